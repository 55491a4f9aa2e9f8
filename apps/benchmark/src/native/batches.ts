import type { Session } from '@tp/core/runtime'
import { comparePaired } from '@tp/eval/metrics'
import { nativeRuntime } from '@tp/runtime-native'
import { factor, interval } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { minilmFiles, reviewBatches, timedKeep, timedMethod } from './minilm.ts'

const BUDGET_MS = 45_000

export const batchSections: readonly Section[] = [1, 2].map((threads) => ({
  name: `batches-${threads}`,
  title: `Batches of reviews of natural lengths, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
  run: (context) => measureBatches(context, threads),
}))

async function measureBatches(context: Context, threads: number): Promise<Findings> {
  const files = minilmFiles(context)
  const native = nativeRuntime()
  const sessions: Record<string, Session> = {
    'dense, padded': await context.runtime.load(files.dense, { threads }),
    'dense, padded, native': await native.load(files.dense, { threads }),
    'dense, packed': await native.load(files.densePacked, { threads }),
    'pruned, padded': await context.runtime.load(files.pruned, { threads }),
    'pruned, packed': await native.load(files.prunedPacked, { threads }),
  }
  const tables: Findings['tables'][number][] = []
  const values: unknown[] = []
  try {
    for (const [size, count] of [
      [8, 8],
      [32, 2],
    ] as const) {
      const { inputs, real } = await reviewBatches(context, size, count)
      context.onProgress(`${count} batches of ${size}, ${Math.round(100 * real)} % of their places no padding`)
      const { variants, rounds } = await comparePaired(sessions, inputs, { rounds: 20, budgetMs: BUDGET_MS })
      const over = await comparePaired(
        {
          'pruned, padded': sessions['pruned, padded'] as Session,
          'pruned, packed': sessions['pruned, packed'] as Session,
        },
        inputs,
        { rounds: 20, budgetMs: BUDGET_MS / 3 },
      )
      const packed = over.variants['pruned, packed']?.speedup
      tables.push({
        caption: `${size} reviews a batch, ${Math.round(100 * real)} % of the places hold tokens; ${rounds} rounds`,
        headings: ['model', 'p50 ms', 'speed-up', '95 % interval'],
        rows: Object.entries(variants).map(([name, { p50Ms, speedup }]) => [
          name,
          p50Ms.toFixed(0),
          factor(speedup.value),
          interval(speedup),
        ]),
      })
      if (packed !== undefined) {
        tables.push({
          caption: `${size} reviews a batch: packed against padded, both pruned`,
          headings: ['model', 'speed-up', '95 % interval'],
          rows: [['pruned, packed', factor(packed.value), interval(packed)]],
        })
      }
      values.push({ size, real, rounds, variants, packedOverPadded: packed })
    }
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
  return { tables, notes: [`Pruned: ${timedMethod.name}, ${timedKeep} at every block but the first.`], values }
}
