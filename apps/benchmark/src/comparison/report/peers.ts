import type { Speedup } from '@tp/eval/metrics'
import { factor, points } from '../../output/numbers.ts'
import type { Row } from '../analysis/rows.ts'
import { agreementOf, lossOf } from '../choice.ts'
import { type Choice, LOSSES, type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import { isControl, settingKey, settingText } from '../setting.ts'
import { speedupText } from '../verdict/words.ts'
import { type Html, html } from './html.ts'
import { type TableRow, table } from './table.ts'

/** A choice with what became of it on test data. */
export interface Reported extends Choice {
  readonly row: Row
  /** Timed beside all others that were chosen, on test data. */
  readonly tested: Speedup
}

/** What was chosen at a loss and is measured whole. */
export function reported(plan: SubjectPlan, rows: readonly Row[], points: number): Reported[] {
  const cell = plan.chosenCells().find(({ name }) => name === `within-${points}`)
  if (cell === undefined) return []
  return plan.chosen(points).flatMap((choice) => {
    const row = rows.find(({ setting }) => settingKey(setting) === settingKey(choice.setting))
    const tested = plan.speedupOf(cell, choice.setting)
    return row === undefined || tested === undefined ? [] : [{ ...choice, row, tested }]
  })
}

/** What everything is compared with, and the file as it is. */
function baseRows(plan: SubjectPlan, allowed: number): TableRow[] {
  const none: TableRow = { kind: 'base', cells: ['none', 'without dead tokens', '', '', '', '', '1.00×', '1.00×'] }
  const { dense } = plan
  const reference = plan.reference('test')
  const cell = plan.chosenCells().find(({ name }) => name === `within-${allowed}`)
  const speedup = cell && plan.speedupOf(cell, { kind: 'dense' })
  if (dense === undefined || reference === undefined || speedup === undefined) return [none]
  const loss = points(lossOf([dense], reference))
  const agreement = `${agreementOf([dense], reference).toFixed(1)} %`
  const flops = factor(reference.flops / dense.flops)
  return [
    none,
    { kind: 'base', cells: ['dense', 'the file as it is', '', loss, '', agreement, flops, speedupText(speedup)] },
  ]
}

/** What each way to save work does at an equal loss. */
export function peersTables(plan: SubjectPlan, rows: readonly Row[]): Html {
  if (plan.split === 'test')
    return html`<p>There are too few examples to choose a setting on some and report it on others.</p>`
  const columns = [
    { heading: 'way' },
    { heading: 'chosen', words: true as const },
    { heading: 'loss where chosen' },
    { heading: 'test loss' },
    { heading: 'p' },
    { heading: 'agrees' },
    { heading: 'FLOPs' },
    { heading: 'speed-up' },
  ]
  const tableAt = (allowed: number): Html => {
    const chosen = reported(plan, rows, allowed)
    const body = plan.groups.map((group): TableRow => {
      const own = chosen.find(({ ladder }) => ladder.group === group)
      const kind = group === 'random' || group === 'evenly spread' || group === 'truncation' ? 'control' : undefined
      if (own === undefined)
        return { kind, cells: [group, 'none of its settings is within the loss', '', '', '', '', '', ''] }
      const { setting, row, loss, tested, ladder } = own
      const name = ladder.name === group ? '' : `${ladder.name}, `
      const cut = row.maxTokens === undefined ? '' : `first ${row.maxTokens} tokens, `
      return {
        kind: isControl(setting) ? 'control' : undefined,
        cells: [
          group,
          `${name}${cut}${settingText(setting)}`,
          points(loss),
          points(row.loss),
          row.p === undefined ? '' : pText(row.p),
          `${row.agreement.toFixed(1)} %`,
          factor(row.flops),
          speedupText(tested),
        ],
      }
    })
    const base = baseRows(plan, allowed)
    const caption = `The fastest setting of each way that loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data (and whose interval ends below ${2 * allowed}), on test data; p by McNemar’s test against none (mid-p); all timed in turns`
    return table(caption, columns, [...base, ...body])
  }
  const others = LOSSES.filter((allowed) => allowed !== USUAL_LOSS)
  return html`${tableAt(USUAL_LOSS)}<details><summary>At ${others.join(' and ')} points</summary>${others.map(tableAt)}</details>`
}

function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}
