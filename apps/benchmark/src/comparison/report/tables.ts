import { accuracyLoss, type Interval, type Speedup } from '@tp/eval/metrics'
import { extraLoss } from '@tp/eval/shifts'
import { shapeText } from '../../measure/times.ts'
import { DENSE, isControl, NONE, type Setting, settingKey, settingText } from '../../registry/settings.ts'
import { factor, percent, points, speedupText } from '../../report/numbers.ts'
import { agreementOf, fastestWithin, lossOf } from '../choice.ts'
import { LOSSES, type Reported, type SettingRow, type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import type { SummaryLine } from '../summary.ts'
import { controlWays, type Way } from '../sweep.ts'
import { gridTimes } from './grid.ts'
import { type Html, html } from './html.ts'
import { type HtmlColumns, type Kind, table } from './table.ts'

function kindOfSetting(setting: Setting): Kind {
  if (setting.kind === 'dense' || (setting.kind === 'none' && !setting.int8)) return 'base'
  return isControl(setting) ? 'control' : undefined
}

function optional<T>(value: T | undefined, text: (value: T) => string): string {
  return value === undefined ? '' : text(value)
}

/** Of each subject what each way chose at the usual loss. */
export function summaryTable(lines: readonly SummaryLine[]): Html {
  const columns: HtmlColumns<SummaryLine> = {
    task: ({ subject, way }) => (lines.find((line) => line.subject === subject)?.way === way ? subject : ''),
    way: ({ way }) => way,
    setting: ({ way, chosen }) =>
      optional(chosen, ({ name, setting }) => (name === way ? setting : `${name}, ${setting}`)) ||
      'none of its settings',
    'test loss': ({ chosen }) => optional(chosen, ({ loss }) => points(loss)),
    'speed-up': ({ chosen }) => optional(chosen, ({ speedup }) => speedupText(speedup)),
    FLOPs: ({ chosen }) => optional(chosen, ({ flops }) => factor(flops)),
  }
  const caption = `The fastest setting of each way to save work that loses at most ${USUAL_LOSS} point on calibration data, on test data`
  const kindOf = ({ way }: SummaryLine): Kind => (controlWays.includes(way as Way) ? 'control' : undefined)
  return table(caption, columns, lines, kindOf)
}

/** Everything that was measured of a subject, controls among it. */
export function settingsTable(plan: SubjectPlan, rows: readonly SettingRow[]): Html {
  const none = plan.reference('test')
  const columns: HtmlColumns<SettingRow> = {
    candidate: ({ sweep, seeds }) => (seeds > 1 ? `${sweep.name} (${seeds} seeds)` : sweep.name),
    setting: ({ setting, maxTokens }) =>
      `${optional(maxTokens, (most) => `first ${most} tokens, `)}${settingText(setting)}`,
    accuracy: ({ accuracy }) => points(accuracy),
    loss: ({ loss }) => points(loss),
    'loss where chosen': ({ calibration }) => optional(calibration, points),
    'ahead of random': ({ overRandom }) => optional(overRandom, points),
    agrees: ({ agreement }) => `${agreement.toFixed(1)} %`,
    FLOPs: ({ flops }) => factor(flops),
    'speed-up': ({ speedup }) => optional(speedup, speedupText),
  }
  const on = plan.split === 'calibration' ? 'data that settings are chosen on' : 'test data'
  const caption = `Accuracy in percent (“none”: ${none?.accuracy.toFixed(1)}), loss in points against “none”, points ahead of random tokens at the same budget, FLOPs and speed-up over “none”; timed on ${on}`
  return html`<details><summary>All ${rows.length} settings</summary>${table(caption, columns, rows, ({ setting }) => kindOfSetting(setting))}</details>`
}

/** A way at an equal loss, or what the ways are compared with. */
interface WayRow {
  readonly way: string
  readonly chosen: string
  readonly kind: Kind
  readonly calibration?: Interval
  readonly loss?: Interval
  readonly p?: number | undefined
  readonly agreement?: number
  readonly flops?: number
  readonly speedup?: Speedup | undefined
}

const wayColumns: HtmlColumns<WayRow> = {
  way: ({ way }) => way,
  chosen: ({ chosen }) => chosen,
  'loss where chosen': ({ calibration }) => optional(calibration, points),
  'test loss': ({ loss }) => optional(loss, points),
  p: ({ p }) => optional(p, (value) => (value < 0.001 ? '< 0.001' : value.toFixed(3))),
  agrees: ({ agreement }) => optional(agreement, (value) => `${value.toFixed(1)} %`),
  FLOPs: ({ flops }) => optional(flops, factor),
  'speed-up': ({ speedup }) => optional(speedup, speedupText),
}

/** What each way to save work does at an equal loss. */
export function wayTables(plan: SubjectPlan, rows: readonly SettingRow[]): Html {
  if (plan.split === 'test')
    return html`<p>There are too few examples to choose a setting on some and report it on others.</p>`
  const tableAt = (allowed: number): Html => {
    const chosen = plan.reported(rows, allowed)
    const body = plan.ways.map((way) =>
      wayRow(
        way,
        chosen.find(({ sweep }) => sweep.way === way),
      ),
    )
    const caption = `The fastest setting of each way that loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data (and whose interval ends below ${2 * allowed}), on test data; p by McNemar’s test against none (mid-p); all timed in turns`
    return table(caption, wayColumns, [...baseRows(plan, allowed), ...body], ({ kind }) => kind)
  }
  const others = LOSSES.filter((allowed) => allowed !== USUAL_LOSS)
  return html`${tableAt(USUAL_LOSS)}<details><summary>At ${others.join(' and ')} points</summary>${others.map(tableAt)}</details>`
}

function wayRow(way: Way, own: Reported | undefined): WayRow {
  const kind = controlWays.includes(way) ? 'control' : undefined
  if (own === undefined) return { way, kind, chosen: 'none of its settings is within the loss' }
  const { setting, row, loss: calibration, tested: speedup, sweep } = own
  const name = sweep.name === way ? '' : `${sweep.name}, `
  const cut = optional(row.maxTokens, (most) => `first ${most} tokens, `)
  const { loss, p, agreement, flops } = row
  return { way, kind, chosen: `${name}${cut}${settingText(setting)}`, calibration, loss, p, agreement, flops, speedup }
}

/** What everything is compared with, and the file as it is. */
function baseRows(plan: SubjectPlan, allowed: number): WayRow[] {
  const same = { value: 1, low: 1, high: 1 }
  const none: WayRow = { way: 'none', chosen: settingText(NONE), kind: 'base', flops: 1, speedup: same }
  const [dense, reference, cell] = [plan.dense, plan.reference('test'), plan.chosenCell(allowed)]
  if (dense === undefined || reference === undefined || cell === undefined) return [none]
  const [loss, agreement] = [lossOf([dense], [reference]), agreementOf([dense], reference)]
  const about = {
    chosen: settingText(DENSE),
    flops: reference.flops / dense.flops,
    speedup: plan.speedupOf(cell, DENSE),
  }
  return [none, { way: 'dense', kind: 'base', loss, agreement, ...about }]
}

/** How many tokens enter each layer, of one setting of each candidate: the fastest within a loss, or the mildest. */
export function keptTable(plan: SubjectPlan, rows: readonly SettingRow[]): Html {
  const shown = plan.sweeps.flatMap((sweep) => {
    const setting = fastestWithin(plan.choices(sweep), USUAL_LOSS)?.setting ?? sweep.settings[0]
    const row = setting && rows.find((one) => settingKey(one.setting) === settingKey(setting))
    return row?.kept === undefined ? [] : [{ ...row, kept: row.kept }]
  })
  if (shown.length === 0) return html``
  const layers = Array.from({ length: plan.form.layers }, (_, layer) => {
    return [`layer ${layer}`, ({ kept }: (typeof shown)[number]) => heat(kept[layer] as number)] as const
  })
  const caption = `Percent of the tokens that enter the FFN of each layer, on test data: of each candidate the fastest setting that loses at most ${USUAL_LOSS} point on calibration data, or else the mildest`
  const columns: HtmlColumns<(typeof shown)[number]> = {
    candidate: ({ sweep }) => sweep.name,
    setting: ({ setting }) => settingText(setting),
    ...Object.fromEntries(layers),
  }
  return table(caption, columns, shown, ({ setting }) => kindOfSetting(setting))
}

function heat(share: number): Html {
  return html`<span class="heat" style="background:rgba(var(--heat),${(0.4 * share).toFixed(2)})">${Math.round(100 * share)}</span>`
}

/** The same files in Node and in a browser. */
export function runtimesTable(plan: SubjectPlan): Html {
  const [node, web] = [gridTimes(plan), gridTimes(plan, plan.webCells())]
  if (web.length === 0) return html``
  const columns: HtmlColumns<(typeof web)[number]> = {
    setting: ({ name }) => name,
    shape: shapeText,
    Node: (one) => {
      const other = node.find(
        ({ name, batch, tokens }) => [name, batch, tokens].join() === [one.name, one.batch, one.tokens].join(),
      )
      return optional(other, ({ speedup }) => speedupText(speedup))
    },
    'wasm in Chromium': ({ speedup }) => speedupText(speedup),
  }
  const caption = 'Speed-up over “none” in the same runtime, one thread; docs/results/web.md compares the answers'
  return html`<h3>In Node and in a browser</h3>${table(caption, columns, web, ({ setting }) => kindOfSetting(setting))}`
}

/** Losses on shifted data: in distribution (first row), and how much more is lost under each shift. */
export function shiftTable(plan: SubjectPlan): Html {
  const [none, ...others] = plan.shiftedSettings()
  const dense = none && plan.shiftedAnswers(none.runs)?.[0]
  const known = others.flatMap(({ name, runs }) => {
    const answers = plan.shiftedAnswers(runs)
    return answers === undefined ? [] : [{ name, setting: runs[0] as Setting, answers }]
  })
  if (dense === undefined || known.length === 0) return html``
  const rights = dense.sets.map(({ correct }) => [...correct].map(Number))
  const all = (rights[0] as number[]).map((_, i) => i)
  const losses = known.map(({ answers }) => {
    const shares = rights.map((right, set) =>
      right.map((_, i) => answers.filter(({ sets }) => sets[set]?.correct[i] === '1').length / answers.length),
    )
    const lost = rights.map((right, set) => right.map((one, i) => 100 * (one - (shares[set]?.[i] as number))))
    return dense.sets.map(({ examples = all }, set): Interval => {
      if (set === 0) return accuracyLoss(rights[0] as number[], shares[0] as number[])
      return extraLoss(lost[set] as number[], lost[0] as number[], examples.length === 0 ? undefined : examples)
    })
  })
  const candidates = known.map(({ name, setting }, i): [string, (set: number) => string] => [
    isControl(setting) ? `${name} (control)` : name,
    (set) => (dense.sets[set]?.unchanged ? 'same tokens' : points(losses[i]?.[set] as Interval)),
  ])
  const columns: HtmlColumns<number> = {
    data: (set) => dense.sets[set]?.name ?? '',
    'accuracy of none': (set) =>
      percent((rights[set] as number[]).reduce((sum, one) => sum + one, 0) / (rights[set]?.length ?? 1)),
    ...Object.fromEntries(candidates),
  }
  const legend = known.map(({ name, setting }) => `${name}: ${settingText(setting)}`).join('; ')
  const caption = `Points lost in distribution (first row), and how many more under each shift, paired by example; each setting is the fastest of its family within ${USUAL_LOSS} point on calibration data, and random has the budget of the first`
  const rows = dense.sets.map((_, i) => i)
  return html`<h3>Under shift</h3>${table(caption, columns, rows, (set) => (set === 0 ? 'base' : undefined))}<p class="soft">${legend}.</p>`
}
