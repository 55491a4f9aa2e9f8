import { fileURLToPath } from 'node:url'
import type { Method } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { clsAttention, receivedAttention, valueWeighted } from '@tp/method-attention'
import { nodeRuntime } from '@tp/runtime-node'
import { type Budget, type Control, compare } from './measure/compare.ts'
import type { Subject } from './measure/subject.ts'
import { linesTable } from './output/lines-table.ts'
import { plainTable } from './output/table.ts'
import { writeWhole } from './output/write-file.ts'
import { digitsBudgets, openDigits } from './quickstart/digits.ts'
import { mailBudgets, openMail } from './quickstart/mail.ts'
import { type ModelReport, modelReport } from './quickstart/report.ts'
import { verdict } from './quickstart/verdict.ts'

/** Version of the form of reports/quickstart.json. */
const FORMAT = 1

const methods: readonly Method[] = [receivedAttention(), clsAttention(), valueWeighted()]

interface Case {
  readonly open: (runtime: Runtime) => Promise<Subject>
  readonly title: string
  /** What the examples are, in the plural. */
  readonly what: string
  readonly budgets: readonly Budget[]
  readonly control: Control
  readonly timed: { readonly examples: number; readonly budgetMs: number }
}

const cases: readonly Case[] = [
  {
    open: (runtime) => openMail(runtime),
    title: 'mail 6×128',
    what: 'mails',
    budgets: mailBudgets,
    control: 'truncation',
    timed: { examples: 12, budgetMs: 5000 },
  },
  {
    open: openDigits,
    title: 'digits-vit 6×64',
    what: 'images',
    budgets: digitsBudgets,
    control: 'stride',
    timed: { examples: 6, budgetMs: 2000 },
  },
]

const runtime = nodeRuntime()
const { version } = await runtime.diagnose()
const models: ModelReport[] = []
for (const { open, title, what, budgets, control, timed } of cases) {
  const onProgress = (text: string): void => void process.stderr.write(`${title}: ${text} …\n`)
  onProgress('reading the data')
  const subject = await open(runtime)
  const lines = await compare(runtime, { subject, methods, budgets, control, timed, onProgress })
  const count = subject.lengths.length.toLocaleString('en-US')
  const lengths = [...new Set([Math.min(...subject.lengths), Math.max(...subject.lengths)])].join(' … ')
  const caption = `model  ${title}   ${count} ${what}, ${lengths} tokens   node ${version}, 1 thread`
  const sentences = budgets.map((budget) => verdict(lines, budget, what))
  process.stdout.write(`\n${[caption, plainTable(linesTable(lines)), ...sentences].join('\n')}\n`)
  models.push(modelReport(subject.name, lines))
}
const report = fileURLToPath(new URL('../../../reports/quickstart.json', import.meta.url))
await writeWhole(report, `${JSON.stringify({ format: FORMAT, models }, undefined, 2)}\n`)
process.stderr.write('\nThe numbers are in reports/quickstart.json.\n')
