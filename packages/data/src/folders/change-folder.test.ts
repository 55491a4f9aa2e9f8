import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { createModel, encodeModel, Graph } from '@tp/onnx'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ChangedFolder, changeFolder, type StepOutput, type StepReport } from './change-folder.ts'
import { type GraphRun, graphRuns } from './graph-runs.ts'
import { type FolderGraph, readFolderGraphs } from './graphs.ts'
import { stageFolder } from './stage-folder.ts'

let root = ''
const at = (...parts: string[]): string => join(root, ...parts)
const source = ['README.md', 'LICENSE', 'config.json', 'vocab.txt', 'onnx/model.onnx', 'onnx/model_fp16.onnx']

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tp-folder-'))
  for (const folder of ['onnx', '1_Pooling', '.git']) mkdirSync(at('bert', folder), { recursive: true })
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 4])
  graph.addOutput('x', 'float32', ['batch', 4])
  for (const file of source) writeFileSync(at('bert', file), file.endsWith('.onnx') ? encodeModel(graph.model) : '{}')
  writeFileSync(at('bert/README.md'), '---\nlicense: mit\n---\n# Bert\n')
  writeFileSync(at('bert/.git/HEAD'), 'ref')
  writeFileSync(at('bert/1_Pooling/config.json'), '{}')
})
afterEach(() => rmSync(root, { recursive: true }))

async function change(
  step: (run: GraphRun, out: StepOutput) => void,
  options: { readonly out?: string; readonly force?: boolean } = {},
): Promise<ChangedFolder<StepReport>> {
  const graphs = await readFolderGraphs(at('bert'))
  return await changeFolder(graphs, {
    ...{ out: at('fast/'), command: 'tp prune', signal: new AbortController().signal, steps: graphRuns(graphs) },
    ...options,
    async change(run, out) {
      step(run, out)
      return { text: `${out.graph} is faster`, content: { plan: { method: 'none' } } }
    },
  })
}
const written = (_: GraphRun, { graph }: StepOutput): void => writeFileSync(graph, 'new')
const all = (folder: string): string[] =>
  (readdirSync(at(folder), { recursive: true }) as string[])
    .filter((file) => file.includes('.') || file === 'LICENSE')
    .toSorted()

test('writes the same layout with changed graphs, and says in the model card what was done', async () => {
  expect(await change(written)).toMatchObject({ changed: ['onnx/model.onnx', 'onnx/model_fp16.onnx'], leftOut: [] })
  expect(all('fast')).toEqual([...source, '1_Pooling/config.json'].toSorted())
  expect(readFileSync(at('fast/onnx/model_fp16.onnx'), 'utf8')).toBe('new')
  const card = readFileSync(at('fast/README.md'), 'utf8')
  expect(card).toContain('---\nlicense: mit\n---\n# Bert\n\n## Changed by `tp prune`')
  expect(card).toContain('"method": "none"')
  expect(card).toContain('```text\nonnx/model.onnx is faster\n```')
  // Else transformers.js takes model_quantized.onnx in a page.
  expect(JSON.parse(readFileSync(at('fast/config.json'), 'utf8'))).toEqual({
    'transformers.js_config': { dtype: 'fp32' },
  })
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'fast'])
})

test('leaves a variant out that is refused, and says why', async () => {
  const { leftOut } = await change((run, out) => {
    if (run.graph.dtype === 'fp16') throw new TpError('TP_DECODER', 'compiler', 'half of it')
    written(run, out)
  })
  expect(leftOut).toEqual([{ file: 'onnx/model_fp16.onnx', why: 'half of it' }])
  expect(existsSync(at('fast/onnx/model_fp16.onnx'))).toBe(false)
  expect(readFileSync(at('fast/README.md'), 'utf8')).toContain('- `onnx/model_fp16.onnx` was left out: half of it')
})

test('writes nothing where the main graph is refused', async () => {
  const refused = change(() => {
    throw new TpError('TP_DECODER', 'compiler', 'not this one')
  })
  await expect(refused).rejects.toMatchObject({ code: 'TP_DECODER' })
  expect(readdirSync(root).toSorted()).toEqual(['bert'])
})

test('replaces by force a folder with the same files, also through a link, and no other folder at all', async () => {
  await change(written)
  await expect(change(written)).rejects.toMatchObject({
    code: 'TP_OUTPUT',
    message: expect.stringContaining('--force'),
  })
  symlinkSync('fast', at('link'))
  writeFileSync(at('fast/tp-plan.json'), '{}')
  writeFileSync(at('fast/config.json'), 'old')
  await change(written, { out: at('link/'), force: true })
  expect(lstatSync(at('link')).isSymbolicLink()).toBe(true)
  expect(readFileSync(at('fast/config.json'), 'utf8')).toContain('dtype')
  mkdirSync(at('photos'))
  writeFileSync(at('photos/cat.png'), '')
  for (const out of [at('photos'), at('bert'), at('bert/fast'), root]) {
    await expect(change(written, { out, force: true })).rejects.toMatchObject({ code: 'TP_OUTPUT' })
  }
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'fast', 'link', 'photos'])
})

test.each(['thesis.docx', 'src/a.py', '.git/HEAD', 'empty/', 'onnx/mine.onnx'])(
  'keeps a folder by force in which %s would be lost, and says so before any work',
  async (file) => {
    await change(written)
    mkdirSync(at('fast', dirname(file)), { recursive: true })
    if (file.endsWith('/')) mkdirSync(at('fast', file))
    else writeFileSync(at('fast', file), 'mine')
    const before = readdirSync(at('fast'), { recursive: true })
    const begun = (): never => {
      throw new Error('it began')
    }
    await expect(change(begun, { force: true })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining(`what the new folder would not have: ${file.split('/')[0]}`),
    })
    expect(readdirSync(at('fast'), { recursive: true })).toEqual(before)
  },
)

test('keeps a file that comes into the folder while another one is made', async () => {
  await change(written)
  const late = change(
    (...step) => {
      written(...step)
      writeFileSync(at('fast/late.txt'), 'mine')
    },
    { force: true },
  )
  await expect(late).rejects.toMatchObject({ code: 'TP_OUTPUT', message: expect.stringContaining('late.txt') })
  expect(readFileSync(at('fast/late.txt'), 'utf8')).toBe('mine')
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'fast'])
})

test('gives a folder its name again that a killed process was replacing', async () => {
  await change(written)
  renameSync(at('fast'), at('.fast.replaced'))
  await expect(change(written)).rejects.toMatchObject({ message: expect.stringContaining('exists already') })
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'fast'])
})

test('lets only one process at a time work at a folder', async () => {
  const graphs = await readFolderGraphs(at('bert'))
  const options = { writes: [], signal: new AbortController().signal }
  await using _first = await stageFolder(graphs, at('fast'), options)
  await expect(stageFolder(graphs, at('fast'), options)).rejects.toMatchObject({
    message: expect.stringContaining('works at'),
  })
})

test('removes what a killed process has left of a folder', async () => {
  const script = `const [built, from, to] = process.argv.slice(1)
    const { stageFolder } = await import(built + 'stage-folder.js')
    const { readFolderGraphs } = await import(built + 'graphs.js')
    await stageFolder(await readFolderGraphs(from), to, { writes: [], signal: new AbortController().signal })
    process.kill(process.pid, 'SIGKILL')`
  const built = new URL('../../dist/folders/', import.meta.url).href
  spawnSync(process.execPath, ['--input-type=module', '-e', script, built, at('bert'), at('fast')])
  expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toHaveLength(1)
  // Nothing is removed of a process that may still run on another machine.
  mkdirSync(at('.fast.01234567-01234567-1-1.tmp'))
  await change(written)
  expect(readdirSync(root).toSorted()).toEqual(['.fast.01234567-01234567-1-1.tmp', 'bert', 'fast'])
})

test('copies what links of a download lead to, and names the links that lead out of the folder instead', async () => {
  mkdirSync(at('hub/snapshots'), { recursive: true })
  mkdirSync(at('hub/blobs'))
  renameSync(at('bert'), at('hub/snapshots/1'))
  for (const [i, file] of source.entries()) {
    renameSync(at('hub/snapshots/1', file), at(`hub/blobs/${i}`))
    symlinkSync(at(`hub/blobs/${i}`), at('hub/snapshots/1', file))
  }
  symlinkSync(at('hub/snapshots/1'), at('bert'))
  writeFileSync(at('secret'), 'secret')
  mkdirSync(at('elsewhere'))
  writeFileSync(at('elsewhere/more'), '')
  for (const to of ['secret', 'elsewhere', 'nothing']) symlinkSync(at(to), at('bert', `to-${to}.txt`))
  spawnSync('mkfifo', [at('bert/pipe')])
  symlinkSync('..', at('bert/1_Pooling/up'))
  const { leftOut } = await change(written)
  expect(all('fast')).toEqual([...source, '1_Pooling/config.json'].toSorted())
  expect(lstatSync(at('fast/vocab.txt')).isSymbolicLink()).toBe(false)
  const out = (to: string): string => `it is a link that leads out of the folder, to ${realpathSync(at(to))}`
  expect(leftOut.toSorted((a, b) => (a.file < b.file ? -1 : 1))).toEqual([
    { file: 'pipe', why: 'it is a pipe' },
    { file: 'to-elsewhere.txt', why: out('elsewhere') },
    { file: 'to-nothing.txt', why: 'it is a link to nothing' },
    { file: 'to-secret.txt', why: out('secret') },
  ])
  expect(readFileSync(at('fast/README.md'), 'utf8')).toContain('`to-secret.txt` was left out: it is a link')
})

test('refuses a link to nothing as the new folder before any work', async () => {
  symlinkSync(at('nowhere'), at('link'))
  const begun = (): never => {
    throw new Error('it began')
  }
  for (const out of [at('link'), at('link/')]) {
    await expect(change(begun, { out })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining('link to nothing'),
    })
  }
})

test('leaves a graph out that needs another form of one that is written', async () => {
  const graphs = await readFolderGraphs(at('bert'))
  const [half] = graphs.variants as [FolderGraph]
  const steps = [
    { graph: graphs.main, writes: [graphs.main] },
    { graph: graphs.main, decoder: half, writes: [half] },
  ] as const
  for (const [form, why] of [
    ['same', []],
    ['other', [{ file: half.file, why: expect.stringContaining('model.onnx in another form') }]],
  ] as const) {
    const out = at(form)
    const { leftOut } = await changeFolder(graphs, {
      ...{ out, command: 'tp prune', signal: new AbortController().signal, steps },
      async change({ decoder }, to) {
        writeFileSync(to.graph, decoder === undefined ? 'same' : form)
        if (to.decoder !== undefined) writeFileSync(to.decoder, form)
        return { text: '', content: {} }
      },
    })
    expect(leftOut).toEqual(why)
    expect(readFileSync(join(out, graphs.main.file), 'utf8')).toBe('same')
    expect(existsSync(join(out, half.file))).toBe(form === 'same')
    expect(readdirSync(join(out, 'onnx')).filter((file) => file.startsWith('.'))).toEqual([])
  }
})
