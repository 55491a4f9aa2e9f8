import { type Budget, compare, type Line } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { budgetText, linesTable } from '../output/lines-table.ts'
import { factor, points } from '../output/numbers.ts'
import { lineValues } from './line-values.ts'
import { candidateMethods, chosenSetting, openMinilm } from './minilm.ts'
import type { Context, Findings, Section } from './section.ts'

/** What the simulations behind the design were made with. */
const uniformHalf: Budget = { keep: 0.5, layers: [1, 2, 3, 4, 5] }

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
  const isUniform = budgetText(budget) === budgetText(uniformHalf)
  const budgets = isUniform ? [budget] : [budget, uniformHalf]
  const timed = { examples: 32, budgetMs: 90_000 }
  const plan = { subject, methods: candidateMethods, budgets, control: 'truncation', timed, onProgress } as const
  const lines = await compare(runtime, plan)
  const chosen = lines.find((line) => line.method === method.name && line.keep === budget.keep) as Line
  const { low, high, value } = chosen.speedup
  return {
    tables: [
      { caption: `${subject.lengths.length} texts; ${budgets.map(budgetText).join('; then ')}`, ...linesTable(lines) },
    ],
    notes: [
      `${method.name}, ${budgetText(budget)}: loss ${points(chosen.loss)} points, ${factor(value)} as fast as dense ` +
        `(${factor(low)} … ${factor(high)}) at these texts' own lengths, FLOPs ${factor(chosen.flops)}.`,
    ],
    values: lines.map(lineValues),
  }
}
