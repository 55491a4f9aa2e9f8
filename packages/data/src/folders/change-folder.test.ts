import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TpError } from '@tp/core'
import { createModel, encodeModel, Graph } from '@tp/onnx'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ChangedFolder, changeFolder, type StepOutput, type StepReport } from './change-folder.ts'
import { type GraphRun, graphRuns } from './graph-runs.ts'
import { type FolderGraph, readFolderGraphs } from './graphs.ts'

let root = ''
const at = (...parts: string[]): string => join(root, ...parts)
const source = ['README.md', 'LICENSE', 'config.json', 'vocab.txt', 'onnx/model.onnx', 'onnx/model_fp16.onnx']

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tp-folder-'))
  for (const folder of ['onnx', '1_Pooling', '.git', 'blobs']) mkdirSync(at('bert', folder), { recursive: true })
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 4])
  graph.addOutput('x', 'float32', ['batch', 4])
  for (const file of source) writeFileSync(at('bert', file), file.endsWith('.onnx') ? encodeModel(graph.model) : '{}')
  writeFileSync(at('bert/README.md'), '---\nlicense: mit\n---\n# Bert\n')
  writeFileSync(at('bert/.git/HEAD'), 'ref')
  writeFileSync(at('bert/1_Pooling/config.json'), '{}')
  writeFileSync(at('blobs'), 'words')
  rmSync(at('bert/vocab.txt'))
  symlinkSync(at('blobs'), at('bert/vocab.txt'))
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
  // A link of a download is followed, so that the folder stands alone.
  rmSync(at('blobs'))
  expect(readFileSync(at('fast/vocab.txt'), 'utf8')).toBe('words')
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
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'blobs'])
})

test('replaces a model folder only by force, and no other folder at all', async () => {
  await change(written)
  await expect(change(written)).rejects.toMatchObject({
    code: 'TP_OUTPUT',
    message: expect.stringContaining('--force'),
  })
  writeFileSync(at('fast/mine.txt'), '')
  await change(written, { force: true })
  expect(existsSync(at('fast/mine.txt'))).toBe(false)
  mkdirSync(at('photos'))
  writeFileSync(at('photos/cat.png'), '')
  for (const out of [at('photos'), at('blobs'), at('bert'), at('bert/fast'), root]) {
    await expect(change(written, { out, force: true })).rejects.toMatchObject({ code: 'TP_OUTPUT' })
  }
  expect(readdirSync(root).toSorted()).toEqual(['bert', 'blobs', 'fast', 'photos'])
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
