import { pack, transform } from '@tp/compiler'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { timeColumns } from '../measure/columns.ts'
import { prepare } from '../measure/prepare.ts'
import { openSubject } from '../measure/subject.ts'
import { timeSessions } from '../measure/times.ts'
import { laterLayers, NONE, pruned } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { percent } from '../report/numbers.ts'
import type { Report, ReportSection, SectionContext } from '../report/section.ts'
import { type Table, tableOf } from '../report/table.ts'

/** The timed pruning: the default of the toolkit, which reads the class token's attention and the received one. */
const timed = pruned('balanced', laterLayers(0.7))

/** Ways to open MiniLM without dead tokens, and pruned: in Node, in the native runtime, and packed there. */
async function minilmSessions(
  context: SectionContext,
  threads: number,
): Promise<Readonly<Record<string, () => Promise<Session>>>> {
  const subject = await openSubject(context, subjects['minilm-imdb'], 'test', 1)
  const native = nativeRuntime()
  const ways: Record<string, () => Promise<Session>> = {}
  for (const [name, setting] of Object.entries({ dense: NONE, pruned: timed })) {
    const { model } = await prepare(subject, setting)
    const [padded, packed] = [encodeModel(model), encodeModel(transform(model, pack()).model)]
    ways[`${name}, node`] = () => context.runtime.load(padded, { threads })
    ways[`${name}, native`] = () => native.load(padded, { threads })
    ways[`${name}, packed`] = () => native.load(packed, { threads })
  }
  return ways
}

/** Reviews as they come, `size` in each batch, padded to its longest; and the share of the batches that is not padding. */
async function reviewBatches(context: SectionContext, size: number, count: number) {
  const { inputs, lengths } = await openSubject(context, subjects['minilm-imdb'], 'test', size * count)
  const rows = Array.from({ length: count }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i * size + j) % lengths.length),
  )
  const feeds = await Promise.all(rows.map((batch) => inputs.feeds(batch)))
  const padded = rows.reduce((sum, batch) => sum + size * Math.max(...batch.map((row) => lengths[row] as number)), 0)
  const real = rows.flat().reduce((sum, row) => sum + (lengths[row] as number), 0) / padded
  return { feeds, real }
}

/** The first of the ways is what speed-ups refer to. */
async function timedTable(
  caption: string,
  ways: Readonly<Record<string, () => Promise<Session>>>,
  feeds: readonly NamedTensors[],
  options: { readonly rounds: number; readonly budgetMs: number },
): Promise<Table> {
  const names = Object.keys(ways)
  const times = await timeSessions(Object.values(ways), feeds, options)
  const rows = times.map((latency, i) => ({ name: names[i] as string, ...latency }))
  return tableOf(caption, timeColumns, rows)
}

function batches(threads: number): ReportSection {
  return {
    name: `batches-${threads}`,
    async run(context) {
      const ways = await minilmSessions(context, threads)
      const names = ['pruned, node', 'pruned, packed']
      const both = Object.fromEntries(Object.entries(ways).filter(([name]) => names.includes(name)))
      const tables: Table[] = []
      for (const [size, count] of [
        [8, 8],
        [32, 2],
      ] as const) {
        const { feeds, real } = await reviewBatches(context, size, count)
        context.onProgress(`${count} batches of ${size}`)
        const about = `${size} reviews a batch, ${percent(real, 0)} of the positions hold tokens`
        tables.push(
          await timedTable(about, ways, feeds, { rounds: 20, budgetMs: 45_000 }),
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

const single: ReportSection = {
  name: 'single',
  async run(context) {
    const ways = await minilmSessions(context, 1)
    const tables: Table[] = []
    for (const tokens of [32, 128, 512]) {
      context.onProgress(`${tokens} tokens`)
      const ids = BigInt64Array.from({ length: tokens }, (_, i) => BigInt(1000 + ((i * 7919) % 20_000)))
      const int64 = (data: BigInt64Array) => ({ type: 'int64', dims: [1, tokens], data })
      const feeds = [{ input_ids: int64(ids), attention_mask: int64(new BigInt64Array(tokens).fill(1n)) }]
      tables.push(await timedTable(`${tokens} tokens`, ways, feeds, { rounds: 200, budgetMs: 15_000 }))
    }
    return { tables, values: tables }
  },
}

export const native: Report = {
  name: 'native',
  sections: [batches(1), batches(2), single],
}
