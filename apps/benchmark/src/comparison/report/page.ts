import { cellKey } from '../cell.ts'
import { type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import type { Results } from '../results.ts'
import { answerTable, recommendation } from './answer.ts'
import { fronts, lossAgainstSpeed } from './fronts.ts'
import { grid } from './grid.ts'
import { type Html, html, raw } from './html.ts'
import { overview } from './overview.ts'
import { style } from './style.ts'
import { keptTable, runtimesTable, type Shown, settingsTable, shiftTable, summaryTable, wayTables } from './tables.ts'

export interface ReportContents {
  readonly subjects: readonly Shown[]
  readonly results: Results
  /** The omitted entries, with reasons, by name. */
  readonly missing: ReadonlyMap<string, string>
  /** Of the newest result. */
  readonly date: string
  readonly quick: boolean
}

/** Everything that is known, as one page that needs nothing else. */
export function reportPage({ subjects, results, missing, date, quick }: ReportContents): string {
  const { machine, versions } = results.surroundings
  const shown = subjects.filter(({ rows }) => rows.length > 0)
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Token pruning, compared</title><style>${raw(style)}</style></head>
<body><main>
<h1>Token pruning, compared</h1>
<p class="about">Measured until ${date} · ${machine} · ${versions}${quick ? ' · a quick run: few settings and examples, so that intervals are wide' : ''}</p>
<h2 id="summary">In short</h2>${answerTable(shown)}${overview(shown)}
<details><summary>All ways at ${USUAL_LOSS} point, in numbers</summary>${summaryTable(shown)}</details>
${method(missing)}
<h2 id="tasks">Task by task</h2>
${shown.map(subjectSection)}
${refusals(
  shown.map(({ plan }) => plan),
  results,
)}
</main></body></html>
`
  return page.html
}

function method(missing: ReadonlyMap<string, string>): Html {
  return html`<h2 id="method">How it was measured</h2>
<p>Settings are chosen on calibration data and reported on test data; tuned plans were chosen on the former, too, with ratios of
its own at each layer. A loss is paired by example and has a 95 % interval. Everything is compared with “none”: the model without the tokens that no output reads, which is exact, and which
every other row is without, too. Random tokens stand for five seeds. Texts are cut by the tokenizer, so that they cost at most
what random tokens cost at the same budget. Times are taken on one thread while nothing else runs, all that are compared in
turns; a speed-up is the median over rounds, with an interval that covers the true median with 95 % probability. Where an
interval covers 1×, or 0 points, two things are not told apart. Smaller images and sounds, the simplest way to save work, cannot
be tried: the sizes of these models' inputs are fixed in their files.</p>
${missing.size > 0 && html`<p>Left out: ${leftOut(missing)}.</p>`}`
}

/** `a, b (why); c (why)` */
function leftOut(missing: ReadonlyMap<string, string>): string {
  const reasons = [...new Set(missing.values())]
  const names = (reason: string) => [...missing].filter(([, own]) => own === reason).map(([name]) => name)
  return reasons.map((reason) => `${names(reason).join(', ')} (${reason})`).join('; ')
}

function subjectSection(shown: Shown): Html {
  const { plan, rows } = shown
  const { form } = plan
  const latencies = grid(plan)
  const { text, use } = recommendation(shown)
  const count = plan.reference('test')?.correct.length ?? 0
  return html`<details class="task"><summary>${form.title}</summary>
<p class="about" id="${form.name}">${count.toLocaleString('en-US')} ${form.what} of test data${plan.split === 'calibration' && `, ${plan.reference('calibration')?.correct.length ?? 0} to choose by`}.</p>
${text}${lossAgainstSpeed(rows, use)}
<h3>Accuracy and speed</h3>${fronts(rows)}${settingsTable(shown)}
<h3>Ways to save work, at an equal loss</h3>${wayTables(shown)}
${latencies.html && html`<h3>Latency by length and batch</h3>${latencies}`}
${runtimesTable(shown)}
<h3>What is kept</h3>${keptTable(shown)}
${shiftTable(shown)}</details>`
}

/** The failed measurements, each reason once. */
function refusals(plans: readonly SubjectPlan[], results: Results): Html {
  const reasons = new Map<string, string[]>()
  for (const cell of plans.flatMap((plan) => plan.cells())) {
    const refused = results.line(cell)?.refused
    if (refused) reasons.set(refused.message, [...(reasons.get(refused.message) ?? []), cellKey(cell)])
  }
  if (reasons.size === 0) return html``
  return html`<h2 id="refused">What was refused</h2><ul>${[...reasons].map(
    ([message, keys]) =>
      html`<li>${keys.length > 3 ? `${keys.slice(0, 3).join(', ')} and ${keys.length - 3} more` : keys.join(', ')}: ${message}</li>`,
  )}</ul>`
}
