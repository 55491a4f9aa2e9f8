import { type Row, rowsOf } from '../analysis/rows.ts'
import { cellKey } from '../cell.ts'
import { type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import type { Results } from '../results.ts'
import { fronts } from './fronts.ts'
import { grid } from './grid.ts'
import { type Html, html, raw } from './html.ts'
import { keptTokens } from './kept.ts'
import { peersTables } from './peers.ts'
import { optimisationTable, runtimesTable } from './runtimes.ts'
import { settingsTable } from './settings-table.ts'
import { shiftTable } from './shift.ts'
import { style } from './style.ts'
import { trajectories } from './trajectories.ts'
import { verdicts } from './verdicts.ts'

export interface Reported {
  readonly plans: readonly SubjectPlan[]
  readonly results: Results
  /** What is left out, and why, by name. */
  readonly missing: ReadonlyMap<string, string>
  readonly quick: boolean
  /** Why a subject takes no smaller input, by name. */
  readonly notSmaller: ReadonlyMap<string, string>
}

/** Everything that is known, as one page that needs nothing else. */
export function reportPage(reported: Reported): string {
  const { plans, results, missing, quick } = reported
  const subjects = plans.map((plan) => ({ plan, rows: rowsOf(plan) })).filter(({ rows }) => rows.length > 0)
  const { machine, versions } = results.surroundings
  const date = new Date().toISOString().slice(0, 10)
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Token pruning, compared</title><style>${raw(style)}</style></head>
<body><main>
<h1>Token pruning, compared</h1>
<p class="about">${date} · ${machine} · ${versions}${quick ? ' · a quick run: few settings and examples, so that intervals are wide' : ''}</p>
<nav aria-label="Subjects"><ul>${subjects.map(({ plan }) => html`<li><a href="#${plan.form.name}">${plan.form.name}</a></li>`)}</ul></nav>
<h2 id="verdict">In short</h2>
${subjects.map(({ plan, rows }) => verdictOf(plan, rows))}
${method(missing)}
${subjects.map(({ plan, rows }) => subjectSection(plan, rows, reported))}
${refusals(plans, results)}
</main></body></html>
`
  return page.html
}

function verdictOf(plan: SubjectPlan, rows: readonly Row[]): Html {
  const sentences = verdicts(plan, rows)
  if (sentences.length === 0) return html``
  return html`<h3>${plan.form.title}</h3><ul class="verdict">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`
}

function method(missing: ReadonlyMap<string, string>): Html {
  return html`<h2 id="method">How it was measured</h2>
<p>Settings are chosen on calibration data and reported on test data. A loss is paired by example and has a 95 %
interval. Everything is compared with “none”: the model without the tokens that no output reads, which is exact, and which
every other row is without, too. Random tokens stand for five seeds. Texts are cut by the tokeniser, so that they cost at most
what random tokens cost at the same budget. Times are taken in a process of its own, on one thread, all that are compared in
turns; a speed-up is the median over rounds, with an interval that covers the true median with 95 % probability. What a sentence
says is decided by intervals: where one covers 1×, or 0 points, nothing is told apart.</p>
${missing.size > 0 && html`<p>Left out: ${leftOut(missing)}.</p>`}`
}

/** `a, b (why); c (why)` */
function leftOut(missing: ReadonlyMap<string, string>): string {
  const reasons = [...new Set(missing.values())]
  const names = (reason: string) => [...missing].filter(([, own]) => own === reason).map(([name]) => name)
  return reasons.map((reason) => `${names(reason).join(', ')} (${reason})`).join('; ')
}

function subjectSection(plan: SubjectPlan, rows: readonly Row[], { results, notSmaller }: Reported): Html {
  const { form } = plan
  const cell = plan.trajectoryCell()
  const examples = results.value(cell)
  const shown = grid(plan)
  const count = plan.reference('test')?.correct.length ?? 0
  return html`<h2 id="${form.name}">${form.title}</h2>
<p class="about">${count.toLocaleString('en-US')} ${form.what} of test data${plan.split === 'calibration' && `, ${plan.reference('calibration')?.correct.length ?? 0} to choose by`}.</p>
<h3>Accuracy and speed</h3>${fronts(rows)}${settingsTable(plan, rows)}
<h3>Other ways to save work, at an equal loss</h3>${peersTables(plan, rows)}${notSmaller.has(form.name) && html`<p>${notSmaller.get(form.name)}</p>`}
${shown.html && html`<h3>Latency by length and batch</h3>${shown}`}
${runtimesTable(plan)}${optimisationTable(plan)}
<h3>What is kept</h3>${keptTokens(plan, rows, USUAL_LOSS)}
${shiftTable(plan)}
${examples && html`<h3>Which tokens leave where</h3>${trajectories(form, cell, examples)}`}`
}

/** What could not be measured is said, each reason once. */
function refusals(plans: readonly SubjectPlan[], results: Results): Html {
  const cells = plans.flatMap((plan) => plan.cells())
  const reasons = new Map<string, string[]>()
  for (const cell of cells) {
    const refused = results.line(cell)?.refused
    if (refused) reasons.set(refused.message, [...(reasons.get(refused.message) ?? []), cellKey(cell)])
  }
  if (reasons.size === 0) return html``
  return html`<h2 id="refused">What was refused</h2><ul>${[...reasons].map(
    ([message, keys]) =>
      html`<li>${keys.length > 3 ? `${keys.slice(0, 3).join(', ')} and ${keys.length - 3} more` : keys.join(', ')}: ${message}</li>`,
  )}</ul>`
}
