import { existsSync, writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, tp } from './tp.ts'

const folder = temporaryFolder()
const digits = modelPath('digits-vit')

/** Prunes with a plugin of this text. */
function pruneWith(text: string, ...more: string[]) {
  const [plugin, out] = [folder.at('plugin.mjs'), folder.at('out.onnx')]
  writeFileSync(plugin, text)
  return tp(['prune', digits, '-o', out, '--plugin', plugin, '--method', 'mine', '--keep', '0.6', ...more])
}

/** A method `mine` that does this at each layer. */
const method = (body: string): string => `
  const entry = {
    name: 'mine', family: 'baseline', description: 'does something', options: {},
    create: () => ({ name: 'mine', family: 'baseline', reduce(site) { ${body} } }),
  }
  export default { contractVersion: 1, methods: [entry] }`

const trap =
  '{ const fail = () => { throw null }; throw new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail }) }'

describe('a command ends with an error, its code and an exit code if its plugin', () => {
  test.each<[string, string, RegExp, string]>([
    ['throws null', 'throw null', /it fails when it is loaded: null/, 'TP_PLUGIN'],
    ['throws what cannot be read', trap, /it fails when it is loaded: /, 'TP_PLUGIN'],
    ['is never loaded', 'await new Promise(() => {})', /ended before the command was done/, 'TP_PLUGIN'],
    ['calls process.exit', 'process.exit(0)', /ended before the command was done; it calls process\.exit/, 'TP_PLUGIN'],
    ['calls process.exit in a method', method('process.exit(0)'), /ended before the command was done/, 'TP_PLUGIN'],
    ['throws null in a method', method('throw null'), /reduce at layer \d+ throws null/, 'TP_METHOD'],
    [
      'throws an error that nothing catches',
      `setImmediate(() => { throw new Error('later') }); await new Promise(() => setInterval(() => {}, 1000))`,
      /it throws later/,
      'TP_PLUGIN',
    ],
  ])('%s', async (_, text, message, errorCode) => {
    const { code, signal, stdout, stderr } = await pruneWith(text)
    expect([code, signal, stdout]).toEqual([1, null, ''])
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`code: ${errorCode}\n`)
    expect(stderr).not.toMatch(/\n\s+at .*node:/)
    expect(existsSync(folder.at('out.onnx'))).toBe(false)
  })

  test.each<[string, string, RegExp]>([
    ['calls process.exit', 'process.exit(0)', /ended before the command was done/],
    ['never loads a model', 'return new Promise(() => {})', /ended before the command was done/],
  ])('has a runtime that %s', async (_, body, message) => {
    const plugin = folder.at('runtime.mjs')
    const runtime = `{ name: 'mine', load() { ${body} }, diagnose() {} }`
    writeFileSync(plugin, `export default { contractVersion: 1, runtime: ${runtime} }`)
    const { code, stdout, stderr } = await tp(['bench', digits, '--runtime', plugin])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
    expect(stderr).toContain('code: TP_PLUGIN\n')
  })

  test('calls process.exit, and says so in a document, too', async () => {
    const { stdout } = await pruneWith('process.exit(0)', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'error', code: 'TP_PLUGIN' })
  })

  test('has begun what never ends, and is done', async () => {
    const { code } = await pruneWith(`setInterval(() => {}, 1000); ${method('return { keep: site.attended }')}`)
    expect(code).toBe(0)
  })

  test('awaits for more than half a minute while something is under way', { tags: 'exhaustive' }, async () => {
    const { code, stderr } = await pruneWith('setInterval(() => {}, 1000); await new Promise(() => {})')
    expect(code).toBe(1)
    expect(stderr).toMatch(/it is not loaded after 30 s[\s\S]*code: TP_PLUGIN/)
  })
})

if (existsSync('/dev/full')) {
  test.each(['--json', '--verbose'])(
    'an output that cannot be written is an error with a code, with %s',
    async (option) => {
      const through = ['sh', '-c', 'exec "$0" "$@" >/dev/full']
      const { code, stderr } = await tp(['methods', option], { through })
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(
          /^\[tp\] the output was not written: there is no room for it\nsee \S+\ncode: TP_WRITE\n$/,
        ),
      ])
    },
  )
} else test.skip('an output that cannot be written is an error with a code (there is no /dev/full here)', () => {})

if (process.platform === 'win32') test.skip('too many open files (Windows has no ulimit)', () => {})
else {
  test.each([30, 90])('too many open files are an error with a code: %d', async (files) => {
    const through = ['sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`]
    const args = ['prune', digits, '-o', folder.at('few.onnx'), '--method', 'stride', '--keep', '0.7']
    const { code, stderr } = await tp(args, { through })
    if (code === 0) return expect(existsSync(folder.at('few.onnx'))).toBe(true)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/ulimit -n[^\n]*\n(see \S+\n)?code: TP_(OPEN_FILES|INSTALL)\n$/),
    ])
  })
}
