import * as Plot from '@observablehq/plot'
import { speedUpText } from '@tp/compare'
import type { Speedup } from '@tp/metrics'
import { shapeText, type TimedShape } from '../../measure/times.ts'
import { candidateName, isControl, type Setting } from '../../registry/settings.ts'
import { plotSvg } from '../../report/plot.ts'
import type { SpeedCell } from '../cell.ts'
import type { SubjectPlan } from '../plan.ts'
import { type Html, html, raw } from './html.ts'
import { type HtmlColumns, table } from './table.ts'

/** A setting's name where all are at the same layers: `received-attention 0.7`. */
function gridName(setting: Setting): string {
  return setting.kind === 'pruned' ? `${candidateName(setting)} ${setting.budget.keep}` : candidateName(setting)
}

/** A setting's time at one shape. */
interface Timed extends TimedShape {
  readonly name: string
  readonly setting: Setting
  readonly speedup: Speedup
}

/** Speed-ups of the grid, over the model without its dead tokens at the same shape. */
export function gridTimes(plan: SubjectPlan, cells: readonly SpeedCell[] = plan.gridCells()): Timed[] {
  return cells.flatMap((cell) => {
    const { at } = cell
    if ('split' in at) return []
    return cell.candidates.slice(1).flatMap((setting) => {
      const speedup = plan.speedupOf(cell, setting)
      return speedup === undefined ? [] : [{ name: gridName(setting), setting, ...at, speedup }]
    })
  })
}

const TICKS = [0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 12, 16]

/** Told apart without colors, too. */
const MARKERS = [
  { color: 'var(--c0)', symbol: 'circle', sign: '●' },
  { color: 'var(--c5)', symbol: 'square', sign: '■' },
  { color: 'var(--c3)', symbol: 'triangle', sign: '▲' },
  { color: 'var(--chance)', symbol: 'diamond', sign: '◆' },
  { color: 'var(--c2)', symbol: 'star', sign: '★' },
  { color: 'var(--c6)', symbol: 'cross', sign: '✚' },
] as const

type Marker = (typeof MARKERS)[number]

/** Speed by length and batch, and from which length on it pays. */
export function grid(plan: SubjectPlan): Html {
  const all = gridTimes(plan)
  const times = all.filter(({ name }) => name !== 'dense')
  if (times.length === 0) return html``
  const distinct = <T>(of: (one: Timed) => T): T[] => [...new Set(times.map(of))]
  const [names, batches] = [distinct(({ name }) => name), distinct(({ batch }) => batch)]
  if (distinct(({ tokens }) => tokens).length < 2) return latencyTable(plan)
  const markerOf = (name: string): Marker => MARKERS[names.indexOf(name) % MARKERS.length] as Marker
  const keys = names.map((name) => {
    const { color, sign } = markerOf(name)
    return html`<li><span style="color:${color}">${sign}</span> ${name}</li>`
  })
  const values = times.map(({ speedup }) => speedup.value)
  const range = [Math.min(0.8, ...values), 1.1 * Math.max(...values)] as const
  const panels = batches.map(
    (batch) => html`<div class="panel"><h4>batches of ${batch}</h4>${panel(batch, times, markerOf, range)}</div>`,
  )
  return html`<figure><figcaption>Speed-up over the model without its dead tokens, by tokens of a text; bands are 95 % intervals. Each
ratio is kept in each of layers ${plan.form.gradual.join(', ')}.</figcaption><ul class="keys">${keys}</ul><div class="panels">${panels}</div></figure>${breakEvenTable(names, batches, all)}<details><summary>All times</summary>${latencyTable(plan)}</details>`
}

function panel(
  batch: number,
  times: readonly Timed[],
  markerOf: (name: string) => Marker,
  range: readonly [number, number],
): Html {
  const own = times.filter((one) => one.batch === batch)
  const [low, high] = range
  const clip = (value: number): number => Math.min(high, Math.max(low, value))
  const svg = plotSvg(`Speed-up by tokens in batches of ${batch}`, {
    width: 300,
    height: 220,
    marginLeft: 38,
    style: { fontSize: '11px' },
    x: {
      type: 'log',
      base: 2,
      label: 'tokens',
      tickFormat: (value: number) => `${value}`,
      ticks: [...new Set(own.map(({ tokens }) => tokens))],
    },
    y: {
      domain: [...range],
      type: 'log',
      label: 'speed-up',
      grid: true,
      ticks: TICKS.filter((tick) => tick >= low && tick <= high),
      tickFormat: (value: number) => `${value}×`,
    },
    marks: [
      Plot.ruleY([1], { stroke: 'currentColor', strokeOpacity: 0.6 }),
      Plot.areaY(own, {
        x: 'tokens',
        y1: (one: Timed) => clip(one.speedup.low),
        y2: (one: Timed) => clip(one.speedup.high),
        z: 'name',
        fill: (one: Timed) => markerOf(one.name).color,
        fillOpacity: 0.14,
      }),
      Plot.line(own, {
        x: 'tokens',
        y: (one: Timed) => one.speedup.value,
        z: 'name',
        stroke: (one: Timed) => markerOf(one.name).color,
        strokeWidth: 1.8,
      }),
      Plot.dot(own, {
        x: 'tokens',
        y: (one: Timed) => one.speedup.value,
        fill: (one: Timed) => markerOf(one.name).color,
        symbol: (one: Timed) => markerOf(one.name).symbol,
        r: 3,
        title: (one: Timed) => `${one.name}, ${one.tokens} tokens: ${speedUpText(one.speedup)}`,
      }),
    ],
    color: { type: 'identity' },
    symbol: { type: 'identity' },
  })
  return raw(svg)
}

/**
 * The least measured length from which on something is faster for certain: the interval of its speed-up is above 1 there
 * and at every greater length. Undefined if it is not at the greatest.
 */
export function breakEven(times: readonly Pick<Timed, 'tokens' | 'speedup'>[]): number | undefined {
  const descending = times.toSorted((a, b) => b.tokens - a.tokens)
  const slow = descending.findIndex(({ speedup }) => !(speedup.low > 1))
  const fast = slow === -1 ? descending : descending.slice(0, slow)
  return fast.at(-1)?.tokens
}

function breakEvenTable(names: readonly string[], batches: readonly number[], times: readonly Timed[]): Html {
  const own = batches.map((batch): [string, (name: string) => string] => [
    `batches of ${batch}`,
    (name) => `${breakEven(times.filter((one) => one.name === name && one.batch === batch)) ?? 'nowhere'}`,
  ])
  const caption =
    'Break-even length: the least number of tokens from which on the whole interval of the speed-up is above 1'
  return table(caption, { setting: (name: string) => name, ...Object.fromEntries(own) }, names, (name) => {
    return times.some((one) => one.name === name && isControl(one.setting)) ? 'control' : undefined
  })
}

function latencyTable(plan: SubjectPlan): Html {
  const cells = plan.gridCells().filter((cell) => plan.timesOf(cell) !== undefined)
  const columns = (cells[0]?.candidates ?? []).map((setting, i): [string, (cell: SpeedCell) => string] => [
    gridName(setting),
    (cell) => {
      const ms = `${(plan.timesOf(cell)?.candidates[i]?.p50Ms ?? Number.NaN).toPrecision(3)} ms`
      const speedup = plan.speedupOf(cell, setting)
      return i === 0 || speedup === undefined ? ms : `${ms}, ${speedUpText(speedup)}`
    },
  ])
  const shape = ({ at }: SpeedCell): string => ('split' in at ? '' : shapeText(at))
  const all: HtmlColumns<SpeedCell> = { shape, ...Object.fromEntries(columns) }
  return table('Median time of one run, and speed-up over “none”; batch × tokens, one thread', all, cells)
}
