import { describe, expect, test } from 'vitest'
import { baselines } from '../baselines/baselines.ts'
import { random } from '../baselines/random.ts'
import { isTpError } from '../errors.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { contractVersion } from './method.ts'
import { checkOptions, type OptionSpecs, parseOptions } from './options.ts'
import { methodEntry, type Plugin, readPlugin, readRuntimePlugin } from './plugin.ts'

/** An object of which nothing can be read. */
function trap(thrown: unknown = new Error('a trap')): object {
  const fail = (): never => {
    throw thrown
  }
  return new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail, ownKeys: fail })
}

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
  test('reads options by their types', () => {
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
  test.each(wrong)('refuse %o', (texts, message) => {
    expect(errorOf(() => parseOptions('m', specs, texts))).toMatch(message)
  })

  test('checks options from code in the same way', () => {
    expect(errorOf(() => checkOptions('m', specs, { share: Number.NaN }))).toMatch(/share is NaN/)
    expect(errorOf(() => checkOptions('m', specs, { diagonal: 'true' }))).toMatch(/true or false/)
    expect(errorOf(() => checkOptions('m', specs, { queries: undefined }))).toBe('none')
    expect(errorOf(() => checkOptions('m', {}, { queries: 1 }))).toMatch(/the method takes none/)
    expect(errorOf(() => random({ seed: -1 }))).toMatch(/TP_OPTION \[random\] seed is -1; .* from 0 up to/)
  })
})

test('blames the plugin for a factory that throws on its values', () => {
  const entry = methodEntry(
    ({ share = 1 }: { share?: number } = {}) => {
      if (share < 0.5) throw new RangeError('too small for me')
      return random()
    },
    'keeps some',
    { share: { type: 'number', description: 'a part' } },
  )
  expect(errorOf(() => entry.create({ share: 0.1 }))).toMatch(
    /TP_METHOD \[plugin random\] its factory throws RangeError: too small for me/,
  )
})

describe('a plugin', () => {
  const plugin = { contractVersion, methods: baselines }

  test('a plugin is the default export of a module', () => {
    expect(readPlugin({ default: plugin }, 'x')).toBe(plugin)
  })

  const wrong: readonly (readonly [module: unknown, message: RegExp])[] = [
    [undefined, /no default export/],
    [{ methods: [] }, /no default export of the form \{ contractVersion, methods/],
    [{ default: { methods: [] } }, /exports a plugin without contractVersion; it must be the number 1$/],
    [
      { default: { contractVersion: '1', methods: [] } },
      /has the text '1' as contractVersion; it must be a number, 1$/,
    ],
    [{ default: { contractVersion: null, methods: [] } }, /has null as contractVersion; it must be a number, 1$/],
    [
      { default: random() },
      /exports the method "random" by default, and not a plugin; wrap it: \{ contractVersion: 1, /,
    ],
    [{ default: random }, /exports the function random by default, and not a plugin of the form \{ contractVersion: 1/],
    [
      { default: { contractVersion, methods: [random()] } },
      /methods\[0\] is the method "random" itself; give methodEntry/,
    ],
    [{ default: { contractVersion } }, /no default export of the form/],
    [
      { default: { contractVersion: 99, methods: [] } },
      /built for version 99 of the plugin contract, this is version 1;/,
    ],
    // a contract to come may have another form
    [{ default: { contractVersion: 2 } }, /built for version 2 .* this is version 1; update the @tp packages$/],
    [
      { default: { contractVersion: 0, methods: [] } },
      /version 0 .* version 1; a newer release of the plugin is needed$/,
    ],
    [{ default: { contractVersion, methods: [baselines[0], { name: 'x' }] } }, /methods\[1\] requires name/],
  ]

  test('refuses a plugin that throws when it is read, whatever it throws', () => {
    for (const thrown of [new Error('a trap'), null, 'a trap', trap()]) {
      const module = { default: trap(thrown) }
      expect(errorOf(() => readPlugin(module, 'x'))).toMatch(
        /^TP_PLUGIN \[x\] its default export throws when it is read: /,
      )
      expect(errorOf(() => readRuntimePlugin(module, 'x'))).toMatch(/^TP_PLUGIN \[x\] its default export throws/)
    }
  })

  test.each(wrong)('refuses a plugin that is %o', (module, message) => {
    const error = errorOf(() => readPlugin(module, 'some-plugin'))
    expect(error).toMatch(/^TP_PLUGIN \[some-plugin\]/)
    expect(error).toMatch(message)
  })

  test('gives an entry the name, family and paper of its method, and checks options', () => {
    const entry = methodEntry(random, 'keeps some tokens', { seed: { type: 'integer', min: 0, description: 'a seed' } })
    expect(entry).toMatchObject({ name: 'random', family: 'baseline', description: 'keeps some tokens' })
    expect(entry.create({ seed: 3 }).name).toBe('random')
    expect(errorOf(() => entry.create({ seed: 'x' }))).toMatch(/TP_OPTION \[random\] seed is x/)
  })
})

describe('a runtime plugin', () => {
  const runtime: Runtime = {
    name: 'other',
    load: () => Promise.reject(new Error('not here')),
    diagnose: () => Promise.reject(new Error('not here')),
  }

  test('a runtime plugin is the default export of a module, with methods or without', () => {
    const plugin = { contractVersion, runtime }
    expect(readRuntimePlugin({ default: plugin }, 'x')).toBe(plugin)
    const both = { contractVersion, runtime, methods: baselines }
    expect(readRuntimePlugin({ default: both }, 'x')).toBe(both)
    expect(readPlugin({ default: both }, 'x')).toBe(both)
  })

  const wrong: readonly (readonly [module: unknown, message: RegExp])[] = [
    [{ runtime }, /no default export of the form \{ contractVersion, runtime \}/],
    [{ default: { runtime } }, /exports a plugin without contractVersion/],
    [{ default: { contractVersion, methods: [] } }, /no default export of the form/],
    [{ default: { contractVersion: 2, engine: runtime } }, /built for version 2 .* this is version 1;/],
    [{ default: { contractVersion, runtime: { name: 'other' } } }, /lacks name, load or diagnose/],
  ]
  test.each(wrong)('refuses a runtime plugin that is %o', (module, message) => {
    const error = errorOf(() => readRuntimePlugin(module, 'some-runtime'))
    expect(error).toMatch(/^TP_PLUGIN \[some-runtime\]/)
    expect(error).toMatch(message)
  })
})

test('a plugin for another contract does not compile', () => {
  // @ts-expect-error the number is that of the contract, not any
  const plugin: Plugin = { contractVersion: 2, methods: [] }
  expect(errorOf(() => readPlugin({ default: plugin }, 'x'))).toMatch(/version 2/)
})
