import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { words, wordTokenizer } from './small-models.ts'
import { fixture, temporaryFolder, tp, tpHere } from './tp.ts'

vi.setConfig({ testTimeout: 120_000 })

const folder = temporaryFolder()
const watched = fileURLToPath(new URL('watched-runtime.mjs', import.meta.url))
/** Where packages are looked for. */
const cwd = fileURLToPath(new URL('..', import.meta.url))
const model = fixture('bert-cls-eager-ts11')

/** Models that a command gives the runtime. */
async function loadsOf(args: readonly string[]): Promise<{ readonly loads: number; readonly stdout: string }> {
  const module = (await import(pathToFileURL(watched).href)) as { readonly loads: number }
  const before = module.loads
  const { code, stdout, stderr } = await tpHere([...args, '--runtime', watched])
  expect(code, stderr).toBe(0)
  return { loads: module.loads - before, stdout }
}

describe('--runtime MODULE', () => {
  beforeAll(() => {
    writeFileSync(folder.at('tokenizer.json'), wordTokenizer())
    const lines = Array.from({ length: 12 }, (_, i) => `${i % 5}\t${words[5 + (i % 4)]} ${words[5 + ((i * 3) % 4)]}\n`)
    writeFileSync(folder.at('data.tsv'), lines.join(''))
  })
  const data = (): string[] => ['--data', folder.at('data.tsv'), '--read', `tokenizer=${folder.at('tokenizer.json')}`]
  const pruned = ['--methods', 'received-attention', '--keep', '0.5']

  test('runs every model of tp eval', async () => {
    const { loads, stdout } = await loadsOf(['eval', model, ...data(), ...pruned])
    // its inputs; dense, none and the method: answers, then times
    expect(loads).toBe(1 + 3 + 3)
    expect(stdout).toContain('watched engine')
  })

  test('tp bench times the runtime', async () => {
    const args = ['--method', 'received-attention', '--keep', '0.5', '--shapes', '1x8', '--json']
    const { loads, stdout } = await loadsOf(['bench', model, ...args])
    expect(loads).toBe(3)
    expect(JSON.parse(stdout).runtime).toBe('watched engine')
  })

  test('tp doctor tries the runtime', async () => {
    const { loads, stdout } = await loadsOf(['doctor'])
    // It adds, and multiplies in 8 bits.
    expect(loads).toBe(2)
    expect(stdout).toMatch(/^ok +runtime +watched engine/m)
  })

  test('accepts the package of a runtime that lies where it is started', async () => {
    const { code, stdout } = await tp(['doctor', '--runtime', '@tp/runtime-web'], { cwd })
    expect(stdout).toContain('onnxruntime-web')
    expect(code).toBe(0)
  })

  let count = 0
  /** A module under a name of its own: one that was imported is not read again. */
  const module = (content: string): string => {
    count += 1
    const path = folder.at(`runtime-${count}.mjs`)
    writeFileSync(path, content)
    return path
  }
  test.each([
    ['does not exist', () => 'gpu', /--runtime: there is no such module or package; give node, native, web, the path/],
    [
      'exports methods',
      () => module('export default { contractVersion: 1, methods: [] }'),
      /no default export of the form \{ contractVersion, runtime \}/,
    ],
    [
      'is of another contract',
      () => module('export default { contractVersion: 2, runtime: {} }'),
      /was built for version 2 of the plugin contract, this is version 1; update the @tp packages/,
    ],
    [
      'is unfinished',
      () => module('export default { contractVersion: 1, runtime: { name: "x" } }'),
      /lacks name, load or diagnose/,
    ],
    ['cannot be loaded', () => module('throw new Error("no engine")'), /fails when it is loaded: no engine/],
  ])('refuses one that %s', async (_, runtime, message) => {
    const { code, stdout, stderr } = await tpHere(['bench', model, '--runtime', runtime()])
    expect(stderr).toMatch(message)
    expect(stderr).toContain('code: TP_PLUGIN')
    expect(code).toBe(1)
    expect(stdout).toBe('')
  })
})
