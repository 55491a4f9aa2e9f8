import { factor, points, speedUpText } from '@tp/compare'
import { accuracyLoss, type Interval, type Speedup } from '@tp/metrics'
import { mean } from 'simple-statistics'
import { show } from '../../measure/columns.ts'
import { figureOf, type MeasuredRow } from '../../measure/measure.ts'
import { shapeText } from '../../measure/times.ts'
import { DENSE, isControl, NONE, type Setting, settingKey, settingText } from '../../registry/settings.ts'
import { percent } from '../../report/numbers.ts'
import { extraLoss } from '../../shift/extra-loss.ts'
import { fastestWithin } from '../choice.ts'
import { LOSSES, type SettingRow, type SubjectPlan, USUAL_LOSS } from '../plan.ts'
import { controlWays } from '../sweep.ts'
import { gridTimes } from './grid.ts'
import { type Html, html } from './html.ts'
import { type HtmlColumns, type Kind, table } from './table.ts'

/** A part of a report: a subject with its rows. */
export interface Shown {
  readonly plan: SubjectPlan
  readonly rows: readonly SettingRow[]
}

function kindOfSetting(setting: Setting): Kind {
  if (setting.kind === 'dense' || (setting.kind === 'none' && !setting.int8)) return 'base'
  return isControl(setting) ? 'control' : undefined
}

function optional<T>(value: T | undefined, text: (value: T) => string): string {
  return value === undefined ? '' : text(value)
}

/** The setting, with the number of tokens that texts were cut to. */
export function cutText({ maxTokens }: Pick<MeasuredRow, 'maxTokens'>, setting: Setting): string {
  return `${optional(maxTokens, (most) => `first ${most} tokens, `)}${settingText(setting)}`
}

/** Everything that was measured of a subject, controls among it. */
export function settingsTable({ plan, rows }: Shown): Html {
  const columns: HtmlColumns<SettingRow> = {
    candidate: ({ sweep, seeds }) => (seeds.length > 1 ? `${sweep.name} (${seeds.length} seeds)` : sweep.name),
    setting: (row) => cutText(row, row.setting),
    ...show.accuracy,
    ...show.loss,
    'loss where chosen': ({ calibration }) => optional(calibration, points),
    'ahead of random': ({ overRandom }) => optional(overRandom, points),
    agrees: (row) => percent(figureOf(row, 'agreement', 1).estimate),
    ...show.flops,
    'speed-up': ({ speedup }) => optional(speedup, speedUpText),
  }
  const on = plan.split === 'calibration' ? 'data that settings are chosen on' : 'test data'
  const none = plan.reference('test')?.accuracy.toFixed(1)
  const caption = `Accuracy in percent (“none”: ${none}), loss in points against “none”, points ahead of random tokens at the same budget, FLOPs and speed-up over “none”; timed on ${on}`
  return html`<details><summary>All ${rows.length} settings</summary>${table(caption, columns, rows, ({ setting }) => kindOfSetting(setting))}</details>`
}

/** A way at an equal loss, or what the ways are compared with. */
interface WayRow {
  readonly task: string
  readonly way: string
  readonly chosen: string
  readonly kind: Kind
  readonly calibration?: Interval
  readonly row?: MeasuredRow & Partial<Pick<SettingRow, 'p'>>
  readonly speedup?: Speedup | undefined
}

const resultColumns: HtmlColumns<WayRow> = {
  'test loss': ({ row }) => optional(row, ({ loss }) => points(loss)),
  'speed-up': ({ speedup }) => optional(speedup, speedUpText),
  FLOPs: ({ row }) => optional(row, ({ flops }) => factor(flops)),
}

const wayColumns: HtmlColumns<WayRow> = {
  way: ({ way }) => way,
  chosen: ({ chosen }) => chosen,
  'loss where chosen': ({ calibration }) => optional(calibration, points),
  p: ({ row }) => optional(row?.p, (value) => (value < 0.001 ? '< 0.001' : value.toFixed(3))),
  agrees: ({ row }) => optional(row, (own) => percent(figureOf(own, 'agreement', 1).estimate)),
  ...resultColumns,
}

/** The choice of each way at a loss, and its outcome. */
function waysAt({ plan, rows }: Shown, allowed: number): WayRow[] {
  const reported = plan.reported(rows, allowed)
  return plan.ways.map((way, i): WayRow => {
    const about = {
      task: i === 0 ? plan.form.name : '',
      way,
      kind: controlWays.includes(way) ? ('control' as const) : undefined,
    }
    const own = reported.find(({ sweep }) => sweep.way === way)
    if (own === undefined) return { ...about, chosen: 'none of its settings is within the loss' }
    const { setting, row, loss: calibration, tested: speedup, sweep } = own
    const chosen = `${sweep.name === way ? '' : `${sweep.name}, `}${cutText(row, setting)}`
    return { ...about, chosen, calibration, row, speedup }
  })
}

/** Of all subjects what each way chose at the usual loss. */
export function summaryTable(subjects: readonly Shown[]): Html {
  const rows = subjects.flatMap((shown) => {
    const ways = waysAt(shown, USUAL_LOSS)
    return ways.some(({ row }) => row !== undefined) ? ways : []
  })
  const caption = `The fastest setting of each way to save work that loses at most ${USUAL_LOSS} point on calibration data, on test data`
  const columns = {
    task: ({ task }: WayRow) => task,
    way: ({ way }: WayRow) => way,
    chosen: ({ chosen }: WayRow) => chosen,
    ...resultColumns,
  }
  return table(caption, columns, rows, ({ kind }) => kind)
}

/** The speed of each way to save work at an equal loss, next to the file as it is. */
export function wayTables(shown: Shown): Html {
  const { plan } = shown
  if (plan.split === 'test')
    return html`<p>There are too few examples to choose a setting on some and report it on others.</p>`
  const tableAt = (allowed: number): Html => {
    const [dense, cell] = [plan.dense, plan.chosenCell(allowed)]
    const none = { task: '', way: 'none', chosen: settingText(NONE), kind: 'base' } as const
    const base: WayRow[] = [none]
    if (dense !== undefined && cell !== undefined) {
      const speedup = plan.speedupOf(cell, DENSE)
      base.push({ ...none, way: 'dense', chosen: settingText(DENSE), row: { ...dense, p: undefined }, speedup })
    }
    const caption = `The fastest setting of each way that loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data (and whose interval ends below ${2 * allowed}), on test data; p by McNemar’s test against none (mid-p); all timed in turns`
    return table(caption, wayColumns, [...base, ...waysAt(shown, allowed)], ({ kind }) => kind)
  }
  const others = LOSSES.filter((allowed) => allowed !== USUAL_LOSS)
  return html`${tableAt(USUAL_LOSS)}<details><summary>At ${others.join(' and ')} points</summary>${others.map(tableAt)}</details>`
}

/** How many tokens enter each layer, of one setting of each candidate: the fastest within a loss, or the mildest. */
export function keptTable({ plan, rows }: Shown): Html {
  const shown = plan.sweeps.flatMap((sweep) => {
    const setting = fastestWithin(plan.choices(sweep), USUAL_LOSS)?.setting ?? sweep.settings[0]
    const row = setting && rows.find((one) => settingKey(one.setting) === settingKey(setting))
    return row?.layers === undefined ? [] : [row]
  })
  const layers = Array.from({ length: plan.form.layers }, (_, layer) => {
    return [`layer ${layer}`, ({ layers }: SettingRow) => heat(layers?.[layer] as number)] as const
  })
  const caption = `Percent of the tokens that enter the FFN of each layer, on test data: of each candidate the fastest setting that loses at most ${USUAL_LOSS} point on calibration data, or else the mildest`
  const columns: HtmlColumns<SettingRow> = {
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
export function runtimesTable({ plan }: Shown): Html {
  const [node, web] = [gridTimes(plan), gridTimes(plan, plan.webCells())]
  if (web.length === 0) return html``
  const columns: HtmlColumns<(typeof web)[number]> = {
    setting: ({ name }) => name,
    shape: shapeText,
    Node: (one) =>
      optional(
        node.find(({ name, ...at }) => name === one.name && shapeText(at) === shapeText(one)),
        ({ speedup }) => speedUpText(speedup),
      ),
    'wasm in Chromium': ({ speedup }) => speedUpText(speedup),
  }
  const caption = 'Speed-up over “none” in the same runtime, one thread; docs/results/web.md compares the answers'
  return html`<h3>In Node and in a browser</h3>${table(caption, columns, web, ({ setting }) => kindOfSetting(setting))}`
}

/** Losses on shifted data: in distribution (first row), and how much more is lost under each shift. */
export function shiftTable({ plan }: Shown): Html {
  const [none, ...others] = plan.shiftedSettings()
  const dense = none && plan.shiftedAnswers(none.runs)?.[0]
  const known = others.flatMap(({ name, runs }) => {
    const answers = plan.shiftedAnswers(runs)
    return answers === undefined ? [] : [{ name, setting: runs[0] as Setting, answers }]
  })
  if (dense === undefined || known.length === 0) return html``
  const rights = dense.sets.map(({ correct }) => [...correct].map(Number))
  const [own] = rights as [number[]]
  const losses = known.map(({ answers }) => {
    const shares = rights.map((right, set) =>
      right.map((_, i) => mean(answers.map(({ sets }) => Number(sets[set]?.correct[i])))),
    )
    const lost = rights.map((right, set) => right.map((one, i) => 100 * (one - (shares[set]?.[i] as number))))
    return dense.sets.map(({ examples = [...own.keys()] }, set): Interval => {
      if (set === 0) return accuracyLoss(own, shares[0] as number[])
      return extraLoss(lost[set] as number[], lost[0] as number[], examples.length === 0 ? undefined : examples)
    })
  })
  const candidates = known.map(({ name, setting }, i): [string, (set: number) => string] => [
    isControl(setting) ? `${name} (control)` : name,
    (set) => (dense.sets[set]?.unchanged ? 'same tokens' : points(losses[i]?.[set] as Interval)),
  ])
  const columns: HtmlColumns<number> = {
    data: (set) => dense.sets[set]?.name ?? '',
    'accuracy of none': (set) => percent(mean(rights[set] as number[])),
    ...Object.fromEntries(candidates),
  }
  const legend = known.map(({ name, setting }) => `${name}: ${settingText(setting)}`).join('; ')
  const caption = `Points lost in distribution (first row), and how many more under each shift, paired by example; each setting is the fastest of its family within ${USUAL_LOSS} point on calibration data, and random has the budget of the first`
  const rows = [...dense.sets.keys()]
  return html`<h3>Under shift</h3>${table(caption, columns, rows, (set) => (set === 0 ? 'base' : undefined))}<p class="soft">${legend}.</p>`
}
