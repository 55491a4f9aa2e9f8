import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { baselines, contractVersion } from '@tp/core'
import { methods as attentionMethods } from '@tp/method-attention'
import { methods as gradientMethods } from '@tp/method-gradient'
import { methods as hybridMethods } from '@tp/method-hybrid'
import { methods as policyMethods } from '@tp/method-rl'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const all = [...baselines, ...attentionMethods, ...hybridMethods, ...gradientMethods, ...policyMethods]

describe('tp methods', () => {
  test('lists every method on a line of its own', async () => {
    const { code, stdout } = await tpHere(['methods'])
    expect(code).toBe(0)
    for (const { name, description } of all) {
      expect(stdout).toContain(name)
      expect(stdout).toContain(description)
    }
    // Little more than one screen: the options are those of one method at a time.
    expect(stdout.split('\n').length).toBeLessThan(60)
  })

  test('shows the options and the paper of one method', async () => {
    const { code, stdout } = await tpHere(['methods', '--method', 'received-attention'])
    expect(code).toBe(0)
    expect(stdout).toContain('queries=NUMBER')
    expect(stdout).toContain('https://arxiv.org/abs/2107.00910')
    expect(stdout).not.toContain('tome')
    expect((await tpHere(['methods', 'received-attention'])).stdout).toBe(stdout)
    expect(await tpHere(['methods', 'tome', '--method', 'tome'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--method is given twice'),
    })
    expect((await tpHere(['methods', 'tome', 'evit'])).stderr).toContain('there is no place for "evit"')
    expect(await tpHere(['methods', 'tomee'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/did you mean tome\?[\s\S]*TP_UNKNOWN_METHOD/),
    })
  })

  test('prints one JSON document', async () => {
    const { stdout } = await tpHere(['methods', '--json'])
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ format: 1, kind: 'methods' })
    expect(document.methods.map(({ name }: { name: string }) => name)).toEqual(all.map(({ name }) => name))
  })
})

describe('plugins', () => {
  const entry = (name: string): string =>
    `{ name: '${name}', family: 'baseline', description: 'keeps all', options: {}, create() { throw new Error('not made') } }`
  let count = 0
  /** A module under a name of its own: one that was imported is not read again. */
  const module = (content: string): string => {
    count += 1
    const path = folder.at(`plugin-${count}.mjs`)
    writeFileSync(path, content)
    return path
  }

  /** A package whose `dist` is missing. */
  const unbuilt = (): string => {
    mkdirSync(folder.at('unbuilt/src'), { recursive: true })
    writeFileSync(folder.at('unbuilt/package.json'), '{ "name": "unbuilt", "exports": { ".": "./dist/index.js" } }')
    writeFileSync(folder.at('unbuilt/src/index.ts'), 'export default {}')
    return folder.at('unbuilt')
  }

  test('report a method that throws with the line in its file, and not as a bug of tp', async () => {
    const plugin = folder.at('throwing.mjs')
    writeFileSync(
      plugin,
      `const reduce = () => { throw new RangeError('not yet') }
       const create = () => ({ name: 'mine', family: 'baseline', reduce })
       export default { contractVersion: 1, methods: [{ ...create(), description: 'x', options: {}, create }] }`,
    )
    const args = ['-o', folder.at('out.onnx'), '--plugin', plugin, '--method', 'mine', '--keep', '0.5']
    const { code, stderr } = await tpHere(['prune', modelPath('digits-vit'), ...args])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /\[plugin mine\] reduce at layer 1 throws RangeError: not yet\n +at .*throwing\.mjs:1:\d+\)?\nsee \S+\ncode: TP_METHOD/,
    )
  })

  test('add the methods of a module', async () => {
    const plugin = module(`export default { contractVersion: ${contractVersion}, methods: [${entry('mine')}] }`)
    const { code, stdout } = await tpHere(['methods', '--plugin', plugin, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).methods.at(-1)).toMatchObject({ name: 'mine', from: plugin })
  })

  test.each([
    ['is not an installed package', () => 'no-such-plugin', /no such module or package/],
    [
      'is a package that has not been built',
      () => unbuilt(),
      /it is not built: there is no .*unbuilt.dist.index\.js; run npm run build/,
    ],
    ['is a file that has not been built', () => join(unbuilt(), 'dist/index.js'), /it is not built: there is no/],
    ['is TypeScript', () => join(unbuilt(), 'src/index.ts'), /it is TypeScript; build it/],
    [
      'exports a method in place of a plugin',
      () => module(`export default { name: 'mine', family: 'baseline', reduce: (site) => ({ keep: site.attended }) }`),
      /exports the method "mine" by default, and not a plugin; wrap it/,
    ],
    [
      'gives its contract as text',
      () => module(`export default { contractVersion: '1', methods: [] }`),
      /has the text '1' as contractVersion; it must be a number, 1/,
    ],
    ['exports nothing', () => module('export const x = 1'), /no default export of the form/],
    [
      'is of another contract',
      () => module(`export default { contractVersion: 99, methods: [] }`),
      /built for version 99 of the plugin contract/,
    ],
    [
      'has an unfinished method',
      () => module(`export default { contractVersion: ${contractVersion}, methods: [{ name: 'x' }] }`),
      /methods\[0\] requires/,
    ],
    [
      'takes a name that is already taken',
      () => module(`export default { contractVersion: ${contractVersion}, methods: [${entry('random')}] }`),
      /so has @tp\/core; one of the two has to be renamed/,
    ],
    ['cannot be loaded', () => module('throw new Error("broken inside")'), /fails when it is loaded: broken inside/],
  ])('refuses a plugin if a module %s', async (_, plugin, message) => {
    const { code, stdout, stderr } = await tpHere(['methods', '--plugin', plugin()])
    expect(stderr).toMatch(message)
    expect(stderr).toContain('code: TP_PLUGIN')
    expect(code).toBe(1)
    expect(stdout).toBe('')
  })
})

describe('tp doctor', () => {
  test('finds everything that is needed', async () => {
    const { code, stdout } = await tpHere(['doctor', '--json'])
    expect(code).toBe(0)
    const { healthy, checks } = JSON.parse(stdout)
    expect(healthy).toBe(true)
    const found = Object.fromEntries(checks.map(({ name, found }: { name: string; found: string }) => [name, found]))
    expect(found.node).toContain(process.versions.node)
    expect(found.runtime).toMatch(/^onnxruntime-node 1\.\d+/)
    expect(found['runtime runs']).toBe('yes')
    expect(found['packed files']).toMatch(/^packed attention is computed with \w+ instructions, compiled by /)
    expect(found.packages).toMatch(/^\d+ can be loaded$/)
    expect(found.methods).toMatch(/^\d+, of @tp\/core, @tp\/method-attention/)
  })

  test.each([['onnxruntime_binding', 'runtime']])(
    'lives on where %s ends the process that loads it',
    async (library, name) => {
      const hook = `
      const load = process.dlopen
      process.dlopen = (module, path, ...rest) => {
        if (path.includes('${library}')) process.kill(process.pid, 'SIGBUS')
        return load(module, path, ...rest)
      }`
      const { code, stdout } = await tp(['doctor'], {
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` },
      })
      expect(stdout.match(/^missing.*\n.*/gm)).toEqual([
        expect.stringMatching(new RegExp(`^missing +${name} +TP_RUNTIME_MISSING\n.*died \\(SIGBUS\\)`)),
      ])
      expect(code).toBe(1)
    },
  )

  test.each([
    ['onnxruntime-node', 'missing', /^missing +runtime +TP_RUNTIME_MISSING$[\s\S]*npm install onnxruntime-node/m],
    ['@tp/server', 'damaged', /^missing +packages +@tp\/server \(broken\)$/m],
    ['node-gyp-build', 'missing', /^missing +packed files +TP_RUNTIME_MISSING$/m],
  ])('says that %s is %s', async (name, how, message) => {
    const absent = `const error = new Error("Cannot find package 'x'"); error.code = 'ERR_MODULE_NOT_FOUND'; throw error`
    const broken = `return { url: 'data:text/javascript,throw new Error("broken")', shortCircuit: true }`
    const hook = `
      import { register } from 'node:module'
      import Module from 'node:module'
      const load = Module._load
      Module._load = (id, ...rest) => { if (id === '${name}') throw new Error('not there'); return load(id, ...rest) }
      register('data:text/javascript,' + encodeURIComponent(\`
        export function resolve(specifier, context, next) {
          if (specifier === '${name}') { ${how === 'missing' ? absent : broken} }
          return next(specifier, context)
        }\`))`
    const { code, stdout } = await tp(['doctor'], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` },
    })
    expect(stdout).toMatch(message)
    expect(code).toBe(1)
  })
})
