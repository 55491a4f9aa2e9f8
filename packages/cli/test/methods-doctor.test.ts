import { writeFileSync } from 'node:fs'
import { baselines, contractVersion } from '@tp/core'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as gradientMethods } from '@tp/method-gradient'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { methods as policyMethods } from '@tp/method-rl'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const all = [...baselines, ...attentionMethods, ...hybridMethods, ...gradientMethods, ...policyMethods]

describe('methods', () => {
  test('lists every method with its options', async () => {
    const { code, stdout } = await tp(['methods'])
    expect(code).toBe(0)
    for (const { name, description } of all) {
      expect(stdout).toContain(name)
      expect(stdout).toContain(description)
    }
    expect(stdout).toContain('queries=NUMBER')
  })

  test('as one JSON document', async () => {
    const { stdout } = await tpHere(['methods', '--json'])
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ format: 1, kind: 'methods' })
    expect(document.methods.map(({ name }: { name: string }) => name)).toEqual(all.map(({ name }) => name))
  })
})

describe('plugins', () => {
  const entry = (name: string): string =>
    `{ name: '${name}', family: 'baseline', description: 'keeps all', options: {}, create() { throw new Error('not made') } }`
  const module = (content: string): string => {
    writeFileSync(folder.at('plugin.mjs'), content)
    return folder.at('plugin.mjs')
  }

  test('a module adds its methods', async () => {
    const plugin = module(`export default { contractVersion: ${contractVersion}, methods: [${entry('mine')}] }`)
    const { code, stdout } = await tpHere(['methods', '--plugin', plugin, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).methods.at(-1)).toMatchObject({ name: 'mine', from: plugin })
  })

  test.each([
    ['is not there', () => './no-such-plugin.js', /no such module or package; give the path of a module/],
    ['is no installed package', () => 'no-such-plugin', /no such module or package/],
    ['exports nothing', () => module('export const x = 1'), /no default export of the form/],
    [
      'is of another contract',
      () => module(`export default { contractVersion: 99, methods: [] }`),
      /built for version 99 of the plugin contract/,
    ],
    [
      'has an unfinished method',
      () => module(`export default { contractVersion: ${contractVersion}, methods: [{ name: 'x' }] }`),
      /methods\[0\] needs/,
    ],
    [
      'takes a name that is taken',
      () => module(`export default { contractVersion: ${contractVersion}, methods: [${entry('random')}] }`),
      /so has @tp\/core; one of the two has to be renamed/,
    ],
    ['cannot be loaded', () => module('throw new Error("broken inside")'), /fails when it is loaded: broken inside/],
  ])('that %s', async (_, plugin, message) => {
    // as a process of its own: a module is loaded once only
    const { code, stdout, stderr } = await tp(['methods', '--plugin', plugin()])
    expect(stderr).toMatch(message)
    expect(stderr).toContain('code: TP_PLUGIN')
    expect(code).toBe(1)
    expect(stdout).toBe('')
  })
})

describe('doctor', () => {
  test('finds what is needed', async () => {
    const { code, stdout } = await tp(['doctor', '--json'])
    expect(code).toBe(0)
    const { healthy, checks } = JSON.parse(stdout)
    expect(healthy).toBe(true)
    const found = Object.fromEntries(checks.map(({ name, found }: { name: string; found: string }) => [name, found]))
    expect(found.node).toContain(process.versions.node)
    expect(found.runtime).toMatch(/^onnxruntime-node 1\.\d+/)
    expect(found['runtime runs']).toBe('yes')
    expect(found.methods).toContain('received-attention')
  })

  test('says what is missing and how to mend it', async () => {
    const hook = `
      import { register } from 'node:module'
      register('data:text/javascript,' + encodeURIComponent(\`
        export function resolve(specifier, context, next) {
          if (specifier.startsWith('onnxruntime')) throw new Error('not installed')
          return next(specifier, context)
        }\`))`
    const { code, stdout } = await tp(['doctor'], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` },
    })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^missing +runtime +TP_RUNTIME_MISSING$/m)
    expect(stdout).toContain('npm install onnxruntime-node')
  })
})
