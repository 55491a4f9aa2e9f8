import { factor, points, speedUpText } from '@tp/compare'
import type { Speedup } from '@tp/metrics'
import { figureOf } from '../../measure/measure.ts'
import { DENSE, NONE, type Setting } from '../../registry/settings.ts'
import { percent } from '../../report/numbers.ts'
import { type ReportedChoice, type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import { commandOf, commandToTune } from './commands.ts'
import { type Html, html } from './html.ts'
import { type HtmlColumns, table } from './table.ts'
import { cutText, type Shown } from './tables.ts'
import { verdictOf, type WayVerdict } from './verdict.ts'

interface Answer extends WayVerdict {
  readonly shown: Shown
}

/** For each task what to use. */
export function answerTable(subjects: readonly Shown[]): Html {
  const answers = subjects
    .filter(({ plan }) => plan.split === 'calibration')
    .map((shown): Answer => ({ shown, ...verdictOf(shown.plan.reported(shown.rows, USUAL_LOSS), USUAL_LOSS) }))
  if (answers.length === 0) return html``
  const columns: HtmlColumns<Answer> = {
    task: ({ shown: { plan } }) => html`<a href="#${plan.form.name}">${plan.form.name}</a>`,
    'use this': ({ use }) => (use === undefined ? 'nothing but leaving out dead tokens, which is exact' : textOf(use)),
    'over the file as it is': ({ shown: { plan }, use }) => {
      const speedup = overDense(plan, use?.setting ?? NONE)
      return speedup === undefined ? '' : html`<strong>${speedUpText(speedup)}</strong>`
    },
    'without dead tokens': ({ use }) => (use === undefined ? '1×' : speedUpText(use.tested)),
    'points lost': ({ use }) => (use === undefined ? '0' : points(use.row.loss)),
    'same answers': ({ use }) => percent(use === undefined ? 1 : figureOf(use.row, 'agreement', 1).estimate),
    command: ({ shown: { plan }, use }) => html`<code>${commandText(plan, use)}</code>`,
  }
  const caption = `The fastest way for each task that lost at most ${USUAL_LOSS} point on calibration data, unless test data contradict it. Speeds compare it with the file as it is, and with that file without its dead tokens. Points lost and answers are those on test data`
  return html`${table(caption, columns, answers)}<ul class="notes">${answers.map(passedOverText)}</ul>`
}

/** The sentence that a task begins with; nothing where settings were not chosen on data of their own. */
export function recommendation({ plan, rows }: Shown): {
  readonly text: Html
  readonly use: ReportedChoice | undefined
} {
  if (plan.split !== 'calibration') return { text: html``, use: undefined }
  const { use } = verdictOf(plan.reported(rows, USUAL_LOSS), USUAL_LOSS)
  const command = html`<code>${commandText(plan, use)}</code>`
  if (use === undefined)
    return {
      text: html`<p><strong>Leave out dead tokens, which is exact, and nothing else:</strong> ${command}</p>`,
      use,
    }
  const speedup = overDense(plan, use.setting) ?? use.tested
  return {
    text: html`<p><strong>Use ${textOf(use)}: ${speedUpText(speedup)} as fast as the file as it is, for ${points(use.row.loss)} points.</strong> ${command}</p>`,
    use,
  }
}

function commandText({ form: { modality } }: SubjectPlan, use: ReportedChoice | undefined): string {
  if (use?.sweep.way === 'tuned') return commandToTune(USUAL_LOSS, { modality })
  return commandOf(use?.setting ?? NONE, { modality, maxTokens: use?.row.maxTokens })
}

function overDense(plan: SubjectPlan, setting: Setting): Speedup | undefined {
  const cell = plan.chosenCell(USUAL_LOSS)
  return cell && plan.speedupOf(cell, setting, DENSE)
}

function textOf({ sweep: { way, name }, row, setting }: ReportedChoice): string {
  const text = cutText(row, setting)
  return way === name ? text : `${name}, ${text}`
}

/** The variants that calibration data promised to be faster. */
function passedOverText({ shown: { plan }, passedOver }: Answer): Html {
  if (passedOver.length === 0) return html``
  const faults = passedOver.map(({ reported: { sweep, row, tested }, fault }) =>
    fault === 'loses more'
      ? `${sweep.way}, ${factor(tested.value)}, loses ${points(row.loss)} points`
      : `${sweep.way} is no faster: ${speedUpText(tested)}`,
  )
  return html`<li><b>${plan.form.name}.</b> Passed over by test data: ${faults.join('; ')}.</li>`
}
