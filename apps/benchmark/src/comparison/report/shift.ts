import { accuracyLoss, type Interval } from '@tp/eval/metrics'
import { extraLoss } from '@tp/eval/shifts'
import { points } from '../../output/numbers.ts'
import type { SubjectPlan } from '../plan.ts'
import { isControl, type Setting, settingText } from '../setting.ts'
import { listed } from '../verdict/words.ts'
import { type Html, html } from './html.ts'
import { table } from './table.ts'

/** What a setting loses on data that were shifted in one way. */
export interface Shifted {
  readonly name: string
  readonly setting: Setting
  readonly set: string
  readonly unchanged: boolean
  /** Points, paired by example: on the set, and how much more that is than in distribution. */
  readonly loss: Interval
  readonly extra: Interval
}

/** Everything that is known of a subject's settings on shifted data. */
export function shiftedLosses(plan: SubjectPlan): Shifted[] {
  const [none, ...others] = plan.shiftedSettings()
  const dense = none && plan.shiftedAnswers(none.runs)?.[0]
  if (dense === undefined) return []
  return others.flatMap(({ name, setting, runs }) => {
    const values = plan.shiftedAnswers(runs)
    if (values === undefined) return []
    const rights = dense.sets.map(({ correct }) => [...correct].map(Number))
    const shares = rights.map((right, set) =>
      right.map((_, i) => values.filter(({ sets }) => sets[set]?.correct[i] === '1').length / values.length),
    )
    const losses = rights.map((right, set) => right.map((one, i) => 100 * (one - (shares[set]?.[i] as number))))
    const own = losses[0] as number[]
    const all = own.map((_, i) => i)
    return dense.sets.map(({ name: set, unchanged, examples = all }, i): Shifted => {
      const from = examples.length === 0 ? undefined : examples
      const loss = accuracyLoss(rights[i] as number[], shares[i] as number[])
      return { name, setting, set, unchanged, loss, extra: extraLoss(losses[i] as number[], own, from) }
    })
  })
}

/** How much more is lost under each shift than in distribution. */
export function shiftTable(plan: SubjectPlan): Html {
  const all = shiftedLosses(plan)
  if (all.length === 0) return html``
  const settings = [...new Map(all.map((one) => [one.name, one])).values()]
  const [none] = plan.shiftedSettings()
  const dense = plan.shiftedAnswers(none?.runs ?? [])?.[0]
  const percent = (correct: string): string =>
    `${((100 * [...correct].filter((right) => right === '1').length) / correct.length).toFixed(1)} %`
  const sets = dense?.sets ?? []
  const unseen = sets.filter(({ unchanged }) => unchanged).map(({ name }) => name)
  const seen = sets.filter(({ unchanged }) => !unchanged)
  const rows = seen.map(({ name: set, correct }, i) => {
    const cells = settings.map(({ name }) => {
      const own = all.find((one) => one.name === name && one.set === set) as Shifted
      return points(i === 0 ? own.loss : own.extra)
    })
    return { kind: i === 0 ? ('base' as const) : undefined, cells: [set, percent(correct), ...cells] }
  })
  const columns = [
    { heading: 'data' },
    { heading: 'accuracy of none' },
    ...settings.map(({ name, setting }) => ({ heading: isControl(setting) ? `${name} (control)` : name })),
  ]
  const legend = settings.map(({ name, setting }) => `${name}: ${settingText(setting)}`).join('; ')
  const caption = `Points lost in distribution (first row), and how many more under each shift, paired by example; each setting is the fastest of its family within 1 point on calibration data, and random has the budget of the first`
  return html`<h3>Under shift</h3>${table(caption, columns, rows)}<p class="soft">${legend}.${
    unseen.length > 0 && ` The model is given the same tokens as without it under ${listed(unseen)}.`
  }</p>`
}
