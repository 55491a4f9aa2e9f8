import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { type NamedTensors, openSession, type Runtime, type Session } from '@tp/core/runtime'
import { loadTokenizer, readScoredPairs, readSearchData } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { nativeRuntime } from '@tp/runtime-native'
import { reportsPath } from '../files.ts'
import { speedsOf, timedPart, timedRows } from './measure.ts'
import { keptFile } from './measure-own.ts'
import type { OpenCase } from './open-case.ts'
import type { Rivals, TextEngine } from './rivals.ts'

/** An embedder's suite, as texts. */
export interface TextSuite {
  /** Texts of the test part, in the order of its examples. */
  readonly texts: readonly string[]
  /** The batches that are timed. */
  readonly batches: ReadonlyMap<string, readonly (readonly string[])[]>
}

/** Only for pairs of texts that people have judged, and for searches. */
export async function textSuiteOf({ one, testing }: OpenCase, path: string): Promise<TextSuite | undefined> {
  const judged = testing.task === 'embeddings' && !testing.byToken ? testing.judged : undefined
  if (judged === undefined) return undefined
  const data = 'scores' in judged ? await readScoredPairs(path) : await readSearchData(path)
  if (data === undefined) return undefined
  const texts = await Promise.all(data.texts.examples.map((example) => example.read()))
  const { inputs, first } = timedPart(testing)
  const batches = [...timedRows(inputs, one.batches)].map(
    ([name, rows]) => [name, rows.map((batch) => batch.map((row) => texts[first + row] as string))] as const,
  )
  return { texts, batches: new Map(batches) }
}

/** Our file without padding, timed from texts to vectors over the published one, both with the tokenizer of this project. */
export async function measureOwnTexts(open: OpenCase, suite: TextSuite, runtime: Runtime): Promise<void> {
  const { one } = open
  const base = (await open.rows()).find((row) => /^(8-bit )?packed$/.test(row.kind))
  if (base === undefined) return
  const setting = `${base.setting}, from texts`
  if (!open.isDue('from texts', setting)) return
  const file = keptFile(one, base.setting)
  const bytes = await readFile(file)
  const tokenizer = await loadTokenizer(join(dirname(one.model()), 'tokenizer.json'))
  const batchOf = new Map<NamedTensors, readonly string[]>()
  const batches = new Map(
    [...suite.batches].map(([name, all]) => [
      name,
      all.map((texts): NamedTensors => {
        const feeds: NamedTensors = {}
        batchOf.set(feeds, texts)
        return feeds
      }),
    ]),
  )
  const fromTexts = (session: Session): Session =>
    openSession('texts', {
      ...{ inputs: [], outputs: session.outputs },
      async run(feeds) {
        const texts = batchOf.get(feeds) ?? []
        const rows = texts.map((text) => ({ text, label: 0 }))
        const inputs = await textInputs(textDataset('texts', rows), session.inputs, tokenizer)
        return await session.run(await inputs.feeds([...rows.keys()]))
      },
      close: () => session.dispose(),
    })
  await open.measure(
    { kind: 'from texts', setting },
    {
      open: [() => nativeRuntime().load(file, { threads: 1 })],
      speeds: (threads, some) =>
        speedsOf(
          async (count) => fromTexts(await runtime.load(open.path, { threads: count })),
          {
            own: async (count) => fromTexts(await nativeRuntime().load(bytes, { threads: count })),
            plain: async (count) => fromTexts(await runtime.load(bytes, { threads: count })),
          },
          { threads, batches: new Map([...some.keys()].map((name) => [name, batches.get(name) ?? []])) },
        ),
      bytes: bytes.length,
    },
  )
}

interface TextRival {
  readonly setting: string
  readonly engine: TextEngine
  /** Another file than the published one. */
  readonly file?: string
}

/** Packages that take texts, over the published file in onnxruntime with its tokenizer, all in Python. */
export async function measureTextRivals(
  open: OpenCase,
  rivals: Rivals,
  {
    suite,
    versions,
    attempt,
  }: {
    readonly suite: TextSuite
    readonly versions: string
    readonly attempt: (setting: string, measure: () => Promise<void>) => Promise<void>
  },
): Promise<void> {
  const { one } = open
  await using dense = await open.dense(1)
  const signature = dense.inputs
  const openvino = reportsPath(`outside/${one.name}/openvino.xml`)
  const all: readonly TextRival[] = [
    { setting: 'fastembed, from texts', engine: 'fastembed' },
    { setting: 'sentence-transformers with ONNX, from texts', engine: 'sentence-transformers' },
    {
      setting: 'sentence-transformers with OpenVINO, 8 bits (NNCF), from texts',
      engine: 'sentence-transformers',
      file: openvino,
    },
  ]
  for (const { setting, engine, file } of all) {
    await attempt(setting, async () => {
      const load = (threads: number): Promise<number> =>
        rivals.load(engine, open.path, { threads, ...(file !== undefined && { file }) })
      const model = await load(1)
      await open.measure(
        { kind: 'rival', setting, versions },
        {
          open: [() => vectorsOf(open.testing.inputs, signature, suite.texts, (texts) => rivals.vectors(model, texts))],
          async speeds(threads, some) {
            const plain = await rivals.load('texts', open.path, { threads })
            const own = threads === 1 ? model : await load(threads)
            const batches = new Map([...some.keys()].map((name) => [name, suite.batches.get(name) ?? []]))
            return { speed: await rivals.speeds({ model: own, dense: plain, threads }, batches) }
          },
          bytes: (await readFile(file?.replace(/\.xml$/, '.bin') ?? open.path)).length,
        },
      )
    })
  }
}

/** Texts that are embedded at once while answers are compared. */
const AT_ONCE = 32

/** A session that knows the vector of each example by its tokens, where only texts can be given. */
export async function vectorsOf(
  inputs: ModelInputs,
  signature: Session['inputs'],
  texts: readonly string[],
  embed: (texts: readonly string[]) => Promise<NamedTensors[string]>,
): Promise<Session> {
  const known = new Map<string, Float32Array>()
  let size = 0
  for (let first = 0; first < texts.length; first += AT_ONCE) {
    const some = texts.slice(first, first + AT_ONCE)
    const { data, dims } = await embed(some)
    size = dims[1] as number
    for (const [i] of some.entries()) {
      const [key] = keysOf(await inputs.feeds([first + i])) as [string]
      known.set(key, (data as Float32Array).subarray(i * size, (i + 1) * size))
    }
  }
  return openSession('rival', {
    ...{ inputs: signature, outputs: [] },
    async run(feeds) {
      const keys = keysOf(feeds)
      const data = new Float32Array(keys.length * size)
      for (const [i, key] of keys.entries()) {
        const vector = known.get(key)
        if (vector === undefined) throw new TpError('TP_RUN', 'benchmark', `no text has the tokens ${key}`)
        data.set(vector, i * size)
      }
      return { sentence_embedding: { type: 'float32', dims: [keys.length, size], data } }
    },
    close: async () => {},
  })
}

/** The real tokens of each row. */
function keysOf({ input_ids: ids, attention_mask: mask }: NamedTensors): string[] {
  const [rows = 0, length = 0] = ids?.dims ?? []
  return Array.from({ length: rows }, (_, row) => {
    const own = Array.from({ length }, (_unused, i) => row * length + i).filter((i) => Number(mask?.data[i]) !== 0)
    return own.map((i) => ids?.data[i]).join(' ')
  })
}
