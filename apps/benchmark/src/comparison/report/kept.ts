import type { Row } from '../analysis/rows.ts'
import { fastestWithin } from '../choice.ts'
import type { SubjectPlan } from '../plan.ts'
import { settingKey, settingText } from '../setting.ts'
import { kindOfRow } from './fronts.ts'
import { type Html, html } from './html.ts'
import { table } from './table.ts'

/** How many tokens enter each layer, of one setting of each candidate: the fastest within a loss, or the mildest. */
export function keptTokens(plan: SubjectPlan, rows: readonly Row[], allowed: number): Html {
  const shown = plan.ladders.flatMap((ladder) => {
    const setting = fastestWithin(plan.candidates(ladder), allowed)?.setting ?? ladder.settings[0]
    const row = setting && rows.find((one) => settingKey(one.setting) === settingKey(setting))
    return row?.kept === undefined ? [] : [{ row, kept: row.kept }]
  })
  if (shown.length === 0) return html``
  const layers = Array.from({ length: plan.form.layerCount }, (_, layer) => ({ heading: `${layer}` }))
  const caption = `Percent of the tokens that enter the FFN of each layer, on test data: of each candidate the fastest setting that loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data, or else the mildest`
  return table(
    caption,
    [{ heading: 'candidate' }, { heading: 'setting', words: true }, ...layers],
    shown.map(({ row, kept }) => ({
      kind: kindOfRow(row),
      cells: [row.ladder.name, settingText(row.setting), ...kept.map(heat)],
    })),
  )
}

function heat(share: number): Html {
  return html`<span class="heat" style="background:rgba(var(--heat),${(0.4 * share).toFixed(2)})">${Math.round(100 * share)}</span>`
}
