import { describe, expect, test } from 'vitest'
import { baselines, random } from './baselines/index.ts'
import { isTpError } from './errors.ts'
import { contractVersion } from './method.ts'
import { checkOptions, type OptionSpecs, parseOptions } from './options.ts'
import { methodEntry, readPlugin } from './plugin.ts'

function errorOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return isTpError(error) ? `${error.code} ${error.message}` : String(error)
  }
  return 'none'
}

const specs: OptionSpecs = {
  queries: { type: 'integer', min: 1, description: 'rows looked at' },
  share: { type: 'number', min: 0, max: 1, default: 0.5, description: 'a part' },
  diagonal: { type: 'boolean', default: true, description: 'the diagonal' },
  side: { type: 'string', choices: ['left', 'right'], description: 'a side' },
  label: { type: 'string', description: 'any text' },
}

describe('options', () => {
  test('are read by their types', () => {
    const texts = { queries: '32', share: '1e-1', diagonal: 'false', side: 'left', label: '' }
    const values = { queries: 32, share: 0.1, diagonal: false, side: 'left', label: '' }
    expect(parseOptions('m', specs, texts)).toEqual(values)
    expect(() => checkOptions('m', specs, values)).not.toThrow()
  })

  const wrong: readonly (readonly [texts: Record<string, string>, message: RegExp])[] = [
    [{ queries: '1.5' }, /TP_OPTION \[m\] queries is "1.5"; it must be a whole number from 1$/],
    [{ queries: '0' }, /a whole number from 1$/],
    [{ queries: '' }, /queries is ""/],
    [{ queries: 'many' }, /queries is "many"/],
    [{ share: '2' }, /a number from 0 up to 1$/],
    [{ share: 'NaN' }, /share is "NaN"/],
    [{ diagonal: 'yes' }, /true or false$/],
    [{ side: 'up' }, /one of left, right$/],
    [{ querys: '3' }, /there is no option querys; it takes queries, share, diagonal, side, label$/],
    [{ constructor: '3' }, /there is no option constructor/],
  ]
  test.each(wrong)('%o is refused', (texts, message) => {
    expect(errorOf(() => parseOptions('m', specs, texts))).toMatch(message)
  })

  test('values from code are checked just so', () => {
    expect(errorOf(() => checkOptions('m', specs, { share: Number.NaN }))).toMatch(/share is NaN/)
    expect(errorOf(() => checkOptions('m', specs, { diagonal: 'true' }))).toMatch(/true or false/)
    expect(errorOf(() => checkOptions('m', specs, { queries: undefined }))).toBe('none')
    expect(errorOf(() => checkOptions('m', {}, { queries: 1 }))).toMatch(/the method takes none/)
    expect(errorOf(() => random({ seed: -1 }))).toMatch(/TP_OPTION \[random\] seed is -1; .* from 0 up to/)
  })
})

describe('a plugin', () => {
  const plugin = { contractVersion, methods: baselines }

  test('is what a module exports by default', () => {
    expect(readPlugin({ default: plugin }, 'x')).toBe(plugin)
  })

  const wrong: readonly (readonly [module: unknown, message: RegExp])[] = [
    [undefined, /no default export/],
    [{ methods: [] }, /no default export of the form \{ contractVersion, methods/],
    [{ default: { methods: [] } }, /built for version undefined of the plugin contract, this is version 1/],
    [{ default: { contractVersion: 99, methods: [] } }, /version 99/],
    [{ default: { contractVersion, methods: [baselines[0], { name: 'x' }] } }, /methods\[1\] needs name/],
  ]
  test.each(wrong)('%o is none', (module, message) => {
    const error = errorOf(() => readPlugin(module, 'some-plugin'))
    expect(error).toMatch(/^TP_PLUGIN \[some-plugin\]/)
    expect(error).toMatch(message)
  })

  test('an entry has name, family and paper of its methods, and checks options', () => {
    const entry = methodEntry(random, 'keeps some tokens', { seed: { type: 'integer', min: 0, description: 'a seed' } })
    expect(entry).toMatchObject({ name: 'random', family: 'baseline', description: 'keeps some tokens' })
    expect(entry.create({ seed: 3 }).name).toBe('random')
    expect(errorOf(() => entry.create({ seed: 'x' }))).toMatch(/TP_OPTION \[random\] seed is x/)
  })
})
