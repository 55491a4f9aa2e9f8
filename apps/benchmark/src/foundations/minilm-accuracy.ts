import type { Speedup } from '@tp/eval/metrics'
import { clsAttention } from '@tp/method-attention'
import { compare, type Line } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { budgetText, linesTable } from '../output/lines-table.ts'
import { factor, points } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { batchTable, measureBatches } from './batch-speed.ts'
import { candidateMethods, chosenSetting, openMinilm } from './minilm.ts'

const BATCHES = { size: 8, count: 12, budgetMs: 90_000 }

export const minilmImdb: Section = {
  name: 'minilm-imdb',
  title: 'minilm-sentiment on IMDB: the chosen setting, reported once',
  run: async (context) => report(context, await openMinilm(context, ['imdb', 'test.tsv'])),
}

export const minilmSst2: Section = {
  name: 'minilm-sst2',
  title: 'minilm-sentiment on SST-2: the same setting on short texts',
  run: async (context) => report(context, await openMinilm(context, ['sst2', 'dev.tsv'])),
}

async function report(context: Context, subject: Subject): Promise<Findings> {
  const { runtime, onProgress } = context
  const { method, budget } = chosenSetting(context)
  const budgets = [budget]
  const timed = { examples: 32, budgetMs: 90_000 }
  const plan = {
    subject,
    methods: [...candidateMethods, clsAttention()],
    budgets,
    control: 'truncation',
    timed,
    onProgress,
  } as const
  const lines = await compare(runtime, plan)
  const chosen = lines.find((line) => line.method === method.name && line.keep === budget.keep) as Line
  const { low, high, value } = chosen.speedup
  onProgress('batches')
  const batches = await measureBatches(runtime, subject, method, budgets, BATCHES)
  const inBatches = batches.at(-1)?.speedup as Speedup
  return {
    tables: [
      { caption: `${subject.lengths.length} texts, one by one; ${budgetText(budget)}`, ...linesTable(lines) },
      batchTable(batches, BATCHES.size),
    ],
    notes: [
      `${method.name}, ${budgetText(budget)}: loss ${points(chosen.loss)} points, ${factor(value)} as fast as dense ` +
        `(${factor(low)} … ${factor(high)}) at these texts' own lengths one by one, ${factor(inBatches.value)} ` +
        `(${factor(inBatches.low)} … ${factor(inBatches.high)}) in batches of ${BATCHES.size} of like length, ` +
        `FLOPs ${factor(chosen.flops)}.`,
    ],
    values: { lines: lines.map(({ correct: _, ...line }) => line), batches },
  }
}
