import type { Session } from '@tp/core/runtime'
import { comparePaired } from '@tp/eval/metrics'
import { nativeRuntime } from '@tp/runtime-native'
import { factor, interval } from '../output/numbers.ts'
import type { Findings, Section } from '../report/section.ts'
import { minilmFiles } from './minilm.ts'

const BUDGET_MS = 15_000

export const singleSection: Section = {
  name: 'single',
  title: 'One text at a time, one thread',
  async run(context) {
    const files = minilmFiles(context)
    const native = nativeRuntime()
    const threads = 1
    const sessions: Record<string, Session> = {
      'dense, node': await context.runtime.load(files.dense, { threads }),
      'dense, native': await native.load(files.dense, { threads }),
      'dense, packed': await native.load(files.densePacked, { threads }),
      'pruned, node': await context.runtime.load(files.pruned, { threads }),
      'pruned, native': await native.load(files.pruned, { threads }),
      'pruned, packed': await native.load(files.prunedPacked, { threads }),
    }
    const tables: Findings['tables'][number][] = []
    const values: unknown[] = []
    try {
      for (const tokens of [32, 128, 512]) {
        context.onProgress(`${tokens} tokens`)
        const ids = BigInt64Array.from({ length: tokens }, (_, i) => BigInt(1000 + ((i * 7919) % 20_000)))
        const int64 = (data: BigInt64Array) => ({ type: 'int64', dims: [1, tokens], data })
        const inputs = [{ input_ids: int64(ids), attention_mask: int64(new BigInt64Array(tokens).fill(1n)) }]
        const { variants, rounds } = await comparePaired(sessions, inputs, { rounds: 200, budgetMs: BUDGET_MS })
        values.push({ tokens, rounds, variants })
        tables.push({
          caption: `${tokens} tokens, ${rounds} rounds`,
          headings: ['model', 'p50 ms', 'speed-up', '95 % interval'],
          rows: Object.entries(variants).map(([name, { p50Ms, speedup }]) => [
            name,
            p50Ms.toFixed(2),
            factor(speedup.value),
            interval(speedup),
          ]),
        })
      }
    } finally {
      for (const session of Object.values(sessions)) await session.dispose()
    }
    return { tables, notes: [], values }
  },
}
