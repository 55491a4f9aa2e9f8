import * as Plot from '@observablehq/plot'
import { factor, points } from '@tp/compare'
import type { Speedup } from '@tp/metrics'
import { isControl, type Setting, settingText } from '../../registry/settings.ts'
import { plotSvg } from '../../report/plot.ts'
import type { ReportedChoice, SettingRow } from '../plan.ts'
import { type Html, html, raw } from './html.ts'

/** A setting that has been timed, as a point. */
type Point = SettingRow & { readonly speedup: Speedup }

/** Losses beyond it are not drawn. */
const MOST_LOSS = 10

type Range = readonly [low: number, high: number]

/** One panel a candidate: its accuracy and speed, in front of those of all others and of chance. */
export function fronts(rows: readonly SettingRow[]): Html {
  const all = rows.filter((row): row is Point => row.speedup !== undefined)
  if (all.length === 0) return html``
  const [losses, speeds] = [all.map(({ loss }) => loss.estimate), all.map(({ speedup }) => speedup.value)]
  const y: Range = [Math.min(0, ...losses) - 0.3, Math.min(MOST_LOSS, Math.max(2, ...losses)) + 0.3]
  const x: Range = [Math.min(0.9, ...speeds), Math.max(...speeds) * 1.05]
  const names = [...new Set(all.map(({ name }) => name))]
  return html`<details><summary>Each candidate by itself</summary>${panelsOf(names, all, x, y)}</details>`
}

/** All settings in one plot that a phone can show: what is recommended, random tokens, and everything else. */
export function lossAgainstSpeed(rows: readonly SettingRow[], use: ReportedChoice | undefined): Html {
  const timed = rows.filter((row): row is Point => row.speedup !== undefined && row.loss.estimate <= MOST_LOSS)
  if (timed.length === 0) return html``
  const groupOf = ({ name }: Point): 'random' | 'control' | 'method' => {
    return name === 'random' ? 'random' : controls.has(name) ? 'control' : 'method'
  }
  const controls = new Set(timed.filter(({ setting }) => isControl(setting)).map(({ name }) => name))
  const colors = { random: 'var(--chance)', control: 'var(--others)', method: 'var(--own)' }
  const used = use && { speed: use.tested, loss: use.row.loss }
  const svg = plotSvg('Points lost against times as fast, for every setting that was timed', {
    width: 360,
    height: 280,
    marginLeft: 40,
    marginRight: 18,
    marginTop: 26,
    marginBottom: 38,
    style: { fontSize: '13px' },
    x: { label: 'times as fast', ticks: 5, tickFormat: (value: number) => `${value}×`, nice: true },
    y: { label: 'points lost', reverse: true, grid: true, ticks: 5, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--rule)' }),
      Plot.dot(timed, {
        x: ({ speedup }: Point) => speedup.value,
        y: ({ loss }: Point) => loss.estimate,
        fill: (point: Point) => colors[groupOf(point)],
        fillOpacity: 0.6,
        r: 3,
        title: ({ name, setting, loss }: Point) => `${name}, ${settingText(setting)}: loss ${points(loss)}`,
      }),
      ...(used === undefined
        ? []
        : [
            Plot.ruleX([used], { x: used.speed.value, y1: used.loss.low, y2: used.loss.high, stroke: 'currentColor' }),
            Plot.dot([used], {
              x: used.speed.value,
              y: used.loss.estimate,
              r: 7,
              stroke: 'currentColor',
              strokeWidth: 2,
            }),
          ]),
    ],
  })
  return html`<figure><figcaption>Points lost on test data, and times as fast as the model without its dead tokens, of every setting that was timed: methods in blue, random tokens in orange, other controls in gray; ${
    used === undefined ? '' : 'what is recommended in a ring, with its 95 % interval; '
  }up and to the right is better.</figcaption>${raw(svg)}</figure>`
}

function panelsOf(names: readonly string[], all: readonly Point[], x: Range, y: Range): Html {
  const panels = names.map((name) => html`<div class="panel"><h4>${name}</h4>${panel(name, all, x, y)}</div>`)
  return html`<figure><figcaption>Up and to the right is better. Across: how many times as fast as the model without its dead
tokens, one by one; down: points of test accuracy lost; both with 95 % intervals. Each panel has one candidate in blue (controls
in orange), all others in gray, and random tokens (5 seeds) dashed. A line joins keep ratios at the same layers. Losses above ${MOST_LOSS} points
are not drawn.</figcaption><div class="panels">${panels}</div></figure>`
}

/** Settings that a line joins. */
function lineOf({ name, setting }: Point): string {
  const at = (own: Setting): string => (own.kind === 'pruned' || own.kind === 'truncated' ? `${own.budget.layers}` : '')
  return `${name} ${at(setting)}`
}

function panel(name: string, all: readonly Point[], x: Range, y: Range): Html {
  const seen = all.filter(({ loss }) => loss.estimate <= y[1])
  const own = seen.filter((point) => point.name === name)
  const chance = seen.filter((point) => point.name === 'random')
  const others = seen.filter((point) => point.name !== name && point.name !== 'random')
  const clip = (value: number, [low, high]: Range): number => Math.min(high, Math.max(low, value))
  const stroke = own.some(({ setting }) => isControl(setting)) ? 'var(--chance)' : 'var(--own)'
  const [speed, loss] = [({ speedup }: Point) => speedup.value, ({ loss }: Point) => loss.estimate]
  const line = (points: readonly Point[], options: Plot.LineYOptions): Plot.Markish =>
    Plot.line(points as Point[], { x: speed, y: loss, z: lineOf, ...options })
  const interval = (ends: Plot.LinkOptions): Plot.Markish => Plot.link(own, { ...ends, stroke, strokeOpacity: 0.5 })
  const title = ({ setting, speedup, loss }: Point): string =>
    `${name}, ${settingText(setting)}: ${factor(speedup.value)}, loss ${points(loss)}`
  const svg = plotSvg(`${name}: speed-up and loss of accuracy of its ${own.length} settings`, {
    width: 300,
    height: 210,
    marginLeft: 34,
    marginRight: 14,
    style: { fontSize: '11px' },
    x: { domain: [...x], label: 'speed-up', tickFormat: (value: number) => `${value}×`, ticks: 5 },
    y: { domain: [...y], reverse: true, label: 'loss, points', grid: true, ticks: 5 },
    marks: [
      Plot.ruleX([1], { stroke: 'var(--rule)' }),
      line(others, { stroke: 'var(--others)', strokeWidth: 1 }),
      line(chance, { stroke: 'var(--chance)', strokeDasharray: '4 3', strokeWidth: 1.4 }),
      interval({
        x1: ({ speedup }: Point) => clip(speedup.low, x),
        x2: ({ speedup }: Point) => clip(speedup.high, x),
        y1: loss,
        y2: loss,
      }),
      interval({
        x1: speed,
        x2: speed,
        y1: ({ loss }: Point) => clip(loss.low, y),
        y2: ({ loss }: Point) => clip(loss.high, y),
      }),
      line(own, { stroke, strokeWidth: 1.8 }),
      Plot.dot(own, { x: speed, y: loss, fill: stroke, r: 3, title }),
    ],
  })
  return raw(svg)
}
