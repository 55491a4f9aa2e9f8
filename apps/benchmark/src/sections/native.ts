import { pack } from '@tp/compiler'
import { baselines, input, isTpError, type MethodEntry, matmul, mul, softmax, TpError, transpose } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { comparePaired, type VariantLatency } from '@tp/eval/metrics'
import { createModel, createNode, emitModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { limits } from '../files.ts'
import { showTimes } from '../measure/columns.ts'
import { largestDifference, rowsThatDiffer } from '../measure/compare-outputs.ts'
import { withinLimits } from '../measure/measure.ts'
import { prepare } from '../measure/prepare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { trained, trainingFree } from '../registry/methods.ts'
import { type Budget, NONE, pruned } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import { differenceText, percent, speedupText } from '../report/numbers.ts'
import type { Context, Findings, Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'

/** One batch of them is compared. */
const EXAMPLES = 8

interface Parity {
  readonly method: string
  readonly by: string
  /** Largest difference of a logit, and rows of the batch that kept other tokens. */
  readonly padded: readonly [difference: number, rows: number]
  /** Undefined if it is not packed, with the code of the refusal. */
  readonly packed: readonly [difference: number, rows: number] | undefined
  readonly refusal: string | undefined
}

/** Every method that needs nothing trained, on every trained model: the same answers, and the same tokens. */
function parity(name: SubjectName): Section {
  return {
    name: `parity-${name}`,
    async run(context) {
      const subject = await openSubject(context, subjects[name], 'test', EXAMPLES)
      const feeds = await subject.inputs.feeds(Array.from({ length: EXAMPLES }, (_, i) => i))
      // Not at the last layer: after it only the class token is read.
      const layers = Array.from({ length: subject.layers - 2 }, (_, i) => i + 1)
      const budgets: Record<string, Budget> = { 'a ratio': { keep: 0.7, layers }, 'a mass': { mass: 0.8, layers } }
      const entries = [...trainingFree, ...trained].filter((entry) => !baselines.includes(entry))
      const rows: Parity[] = []
      for (const entry of entries) {
        for (const [by, budget] of Object.entries(budgets)) {
          context.onProgress(`${entry.name} by ${by}`)
          const model = await prunedIfPossible(subject, entry, budget)
          if (model !== undefined)
            rows.push({ method: entry.name, by, ...(await compareRuntimes(context, model, feeds)) })
        }
      }
      const columns: Columns<Parity> = {
        method: ({ method }) => method,
        'tokens are kept by': ({ by }) => by,
        'native, padded: logits': ({ padded: [difference] }) => differenceText(difference),
        'rows with other tokens': ({ padded: [, rows] }) => `${rows}`,
        'packed: logits': ({ packed, refusal }) => (packed ? differenceText(packed[0]) : (refusal ?? '')),
        'packed: rows with other tokens': ({ packed }) => (packed ? `${packed[1]}` : ''),
      }
      const caption =
        'Largest difference from onnxruntime-node; `TP_PACK`: all rows keep equally many tokens, so that packing gains nothing; `TP_PRUNED`: pruned tokens return between the layers'
      return { tables: [tableOf(caption, columns, rows)], values: rows }
    },
  }
}

/** Undefined for a method that needs trained values, or another kind of budget. */
async function prunedIfPossible(subject: Subject, { name }: MethodEntry, budget: Budget): Promise<Model | undefined> {
  try {
    return (await prepare(subject, pruned(name, budget), { trace: true })).model
  } catch (error) {
    if (isTpError(error)) return undefined
    throw error
  }
}

async function compareRuntimes(
  { runtime }: Context,
  model: Model,
  feeds: NamedTensors,
): Promise<Omit<Parity, 'method' | 'by'>> {
  const run = async (loading: Promise<Session>): Promise<NamedTensors> => {
    await using session = await loading
    return await session.run(feeds)
  }
  const file = encodeModel(model)
  const packed = pack(model)
  const expected = await run(runtime.load(file, { threads: 1 }))
  const judge = async (file: Uint8Array): Promise<readonly [number, number]> => {
    const seen = await run(nativeRuntime().load(file, { threads: 1 }))
    return [largestDifference(expected, seen), rowsThatDiffer(expected, seen).size]
  }
  return {
    padded: await judge(file),
    packed: packed.ok ? await judge(encodeModel(packed.model)) : undefined,
    refusal: packed.ok ? undefined : packed.refusal.code,
  }
}

/** What is timed: the default of the toolkit, which reads the class token's attention and the received one. */
const timed = pruned('balanced', { keep: 0.7, layers: [1, 2, 3, 4, 5] })

/** MiniLM without dead tokens, and pruned; each as a padded and as a packed file. */
async function minilmFiles(context: Context) {
  const subject = await openSubject(context, subjects['minilm-imdb'], 'test', 1)
  const [dense, small] = [(await prepare(subject, NONE)).model, (await prepare(subject, timed)).model]
  return {
    dense: encodeModel(dense),
    densePacked: encodeModel(packedModel(dense)),
    pruned: encodeModel(small),
    prunedPacked: encodeModel(packedModel(small)),
  }
}

/** @throws TpError with the code and the sentence of the refusal */
function packedModel(model: Model): Model {
  const packed = pack(model)
  if (packed.ok) return packed.model
  throw new TpError(packed.refusal.code, 'benchmark', packed.refusal.message)
}

/** Reviews as they come, `size` in each batch, padded to its longest; and the share of the batches that is no padding. */
async function reviewBatches(context: Context, size: number, count: number) {
  const { inputs, lengths } = await openSubject(context, subjects['minilm-imdb'], 'test', size * count)
  const rows = Array.from({ length: count }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i * size + j) % lengths.length),
  )
  const feeds = await Promise.all(rows.map((batch) => inputs.feeds(batch)))
  const padded = rows.reduce((sum, batch) => sum + size * Math.max(...batch.map((row) => lengths[row] as number)), 0)
  const real = rows.flat().reduce((sum, row) => sum + (lengths[row] as number), 0) / padded
  return { feeds, real }
}

const timeColumns: Columns<VariantLatency & { readonly name: string }> = {
  model: ({ name }) => name,
  ...showTimes.ms,
  ...showTimes.speedup,
  ...showTimes.interval,
}

/** The same files in turns on both runtimes; the first is what speed-ups refer to. */
async function timedTable(
  caption: string,
  sessions: Readonly<Record<string, Session>>,
  feeds: readonly NamedTensors[],
  options: { readonly rounds: number; readonly budgetMs: number },
): Promise<Table> {
  const { variants } = await comparePaired(sessions, feeds, withinLimits(options))
  const rows = Object.entries(variants).map(([name, latency]) => ({ name, ...latency }))
  return tableOf(caption, timeColumns, rows)
}

async function openSessions(context: Context, threads: number) {
  const [files, native] = [await minilmFiles(context), nativeRuntime()]
  const sessions: Record<string, Session> = {
    'dense, node': await context.runtime.load(files.dense, { threads }),
    'dense, native': await native.load(files.dense, { threads }),
    'dense, packed': await native.load(files.densePacked, { threads }),
    'pruned, node': await context.runtime.load(files.pruned, { threads }),
    'pruned, native': await native.load(files.pruned, { threads }),
    'pruned, packed': await native.load(files.prunedPacked, { threads }),
  }
  return {
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of Object.values(sessions)) await session.dispose()
    },
  }
}

function batches(threads: number): Section {
  return {
    name: `batches-${threads}`,
    async run(context) {
      await using opened = await openSessions(context, threads)
      const { sessions } = opened
      const both = {
        'pruned, node': sessions['pruned, node'] as Session,
        'pruned, packed': sessions['pruned, packed'] as Session,
      }
      const tables: Table[] = []
      for (const [size, count] of [
        [8, 8],
        [32, 2],
      ] as const) {
        const { feeds, real } = await reviewBatches(context, size, count)
        context.onProgress(`${count} batches of ${size}`)
        const about = `${size} reviews a batch, ${percent(real, 0)} of the positions hold tokens`
        tables.push(
          await timedTable(about, sessions, feeds, { rounds: 20, budgetMs: 45_000 }),
          await timedTable(`${about}; packed against padded, both pruned`, both, feeds, {
            rounds: 20,
            budgetMs: 15_000,
          }),
        )
      }
      return { tables, values: tables }
    },
  }
}

const single: Section = {
  name: 'single',
  async run(context) {
    await using opened = await openSessions(context, 1)
    const tables: Table[] = []
    for (const tokens of [32, 128, 512]) {
      context.onProgress(`${tokens} tokens`)
      const ids = BigInt64Array.from({ length: tokens }, (_, i) => BigInt(1000 + ((i * 7919) % 20_000)))
      const int64 = (data: BigInt64Array) => ({ type: 'int64', dims: [1, tokens], data })
      const feeds = [{ input_ids: int64(ids), attention_mask: int64(new BigInt64Array(tokens).fill(1n)) }]
      tables.push(await timedTable(`${tokens} tokens`, opened.sessions, feeds, { rounds: 200, budgetMs: 15_000 }))
    }
    return { tables, values: tables }
  },
}

const HEADS = 12

/** Attention of one row alone: onnxruntime's three operators against the one of packed files, on the same library and threads. */
const kernel: Section = {
  name: 'kernel',
  async run({ onProgress }) {
    const native = nativeRuntime()
    const tables: Table[] = []
    for (const headDim of [32, 64]) {
      const scale = 1 / Math.sqrt(headDim)
      await using three = await native.load(threeOperators(headDim, scale), { threads: 1 })
      await using packed = await native.load(packedOperator(headDim, scale), { threads: 1 })
      const rows: { tokens: number; three: VariantLatency; packed: VariantLatency }[] = []
      for (const tokens of [32, 64, 128, 256, 512, 1024]) {
        onProgress(`${tokens} tokens, ${headDim} numbers a head`)
        const common = operands(tokens, headDim)
        const offsets = { type: 'int64', dims: [2], data: BigInt64Array.of(0n, BigInt(tokens)) }
        const { variants } = await comparePaired({ three, packed }, [common], {
          rounds: 1000,
          budgetMs: Math.min(4000, limits.ms),
          inputsOf: { packed: [{ ...common, offsets }] },
        })
        rows.push({ tokens, ...(variants as Record<'three' | 'packed', VariantLatency>) })
      }
      const columns: Columns<(typeof rows)[number]> = {
        tokens: ({ tokens }) => `${tokens}`,
        'MatMul, Softmax, MatMul: p50 ms': (row) => row.three.p50Ms.toFixed(3),
        'PackedAttention: p50 ms': (row) => row.packed.p50Ms.toFixed(3),
        'speed-up': ({ packed: { speedup } }) => speedupText(speedup),
      }
      tables.push(tableOf(`${headDim} numbers a head`, columns, rows))
    }
    return { tables, values: tables } satisfies Findings
  },
}

function operands(tokens: number, headDim: number): NamedTensors {
  const tensor = (seed: number) => ({
    type: 'float32',
    dims: [1, HEADS, tokens, headDim],
    data: Float32Array.from({ length: HEADS * tokens * headDim }, (_, i) => Math.sin(i * 0.37 + seed)),
  })
  return { query: tensor(1), key: tensor(2), value: tensor(3) }
}

function threeOperators(headDim: number, scale: number): Uint8Array {
  const of = (name: string) => input(name, 'float32', [1, HEADS, 'N', headDim])
  const scores = mul(matmul(of('query'), transpose(of('key'), [0, 1, 3, 2])), scale)
  return emitModel({ context: matmul(softmax(scores, 3), of('value')) })
}

function packedOperator(headDim: number, scale: number): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.importOperators('tp')
  const inputs = ['query', 'key', 'value']
  for (const name of inputs) graph.addInput(name, 'float32', [1, HEADS, 'N', headDim])
  graph.addInput('offsets', 'int64', [2])
  const axes = [1, 2, 3]
  const attributes = { scale, queryAxes: axes, keyAxes: axes, valueAxes: axes, contextAxes: axes }
  const names = { inputs: [...inputs, 'offsets'], outputs: ['context'] }
  graph.insert([createNode({ type: 'PackedAttention', domain: 'tp', ...names, attributes })])
  graph.addOutput('context', 'float32', [1, HEADS, 'N', headDim])
  return encodeModel(graph.model)
}

export const native: Report = {
  name: 'native',
  sections: [
    ...(['mail', 'minilm-imdb', 'fashion-vit', 'digits-vit', 'vit-mnist', 'kwt1'] as const).map(parity),
    batches(1),
    batches(2),
    single,
    kernel,
  ],
}
