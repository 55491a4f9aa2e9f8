import { factor, plusMinus, points } from '../../output/numbers.ts'
import type { Row } from '../analysis/rows.ts'
import type { SubjectPlan } from '../plan.ts'
import { settingText } from '../setting.ts'
import { speedupText } from '../verdict/words.ts'
import { kindOfRow } from './fronts.ts'
import { type Html, html } from './html.ts'
import { type TableRow, table } from './table.ts'

/** Everything that was measured of a subject, controls among it. */
export function settingsTable(plan: SubjectPlan, rows: readonly Row[]): Html {
  const columns = [
    { heading: 'candidate' },
    { heading: 'setting', words: true as const },
    { heading: 'accuracy' },
    { heading: 'loss' },
    { heading: 'loss where chosen' },
    { heading: 'agrees' },
    { heading: 'FLOPs' },
    { heading: 'speed-up' },
  ]
  const none = plan.reference('test')
  const base: TableRow[] =
    none === undefined
      ? []
      : [
          {
            kind: 'base',
            cells: ['none', 'without dead tokens', `${none.accuracy.toFixed(1)} %`, '', '', '', '1.00×', '1.00×'],
          },
        ]
  const body = rows.map((row): TableRow => {
    const { ladder, setting, maxTokens, seeds } = row
    const remark = maxTokens === undefined ? '' : `first ${maxTokens} tokens, `
    return {
      kind: kindOfRow(row),
      cells: [
        seeds.length > 1 ? `${ladder.name} (${seeds.length} seeds)` : ladder.name,
        `${remark}${settingText(setting)}`,
        plusMinus(row.accuracy),
        points(row.loss),
        row.calibration === undefined ? '' : points(row.calibration),
        `${row.agreement.toFixed(1)} %`,
        factor(row.flops),
        row.speedup === undefined ? '' : speedupText(row.speedup),
      ],
    }
  })
  const on = plan.split === 'calibration' ? 'texts or images that settings are chosen on' : 'test data'
  return html`<details><summary>All ${rows.length} settings</summary>${table(
    `Accuracy in percent, loss in points against “none”, FLOPs and speed-up over “none”; timed on ${on}`,
    columns,
    [...base, ...body],
  )}</details>`
}
