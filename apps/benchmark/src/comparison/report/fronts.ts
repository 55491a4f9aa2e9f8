import * as Plot from '@observablehq/plot'
import { isControl, settingText } from '../../registry/settings.ts'
import { factor, points } from '../../report/numbers.ts'
import { plotSvg } from '../../report/plot.ts'
import type { SettingRow } from '../plan.ts'
import { type Html, html, raw } from './html.ts'

/** A setting that has been timed, as a point. */
interface Point {
  readonly name: string
  readonly isControl: boolean
  readonly line: string
  readonly speed: number
  readonly slowest: number
  readonly fastest: number
  readonly loss: number
  readonly least: number
  readonly most: number
  readonly title: string
}

/** Losses beyond it are not drawn. */
const MOST_LOSS = 10

/** One panel a candidate: its accuracy and speed, in front of those of all others and of chance. */
export function fronts(rows: readonly SettingRow[]): Html {
  const all = rows.flatMap(pointOf)
  if (all.length === 0) return html``
  const names = [...new Set(all.map(({ name }) => name))]
  const losses = all.flatMap(({ loss }) => loss)
  const y = [Math.min(0, ...losses) - 0.3, Math.min(MOST_LOSS, Math.max(2, ...losses)) + 0.3] as const
  const x = [
    Math.min(0.9, ...all.map(({ speed }) => speed)),
    Math.max(...all.map(({ speed }) => speed)) * 1.05,
  ] as const
  const panels = names.map((name) => html`<div class="panel"><h4>${name}</h4>${panel(name, all, x, y)}</div>`)
  return html`<figure><figcaption>Up and to the right is better. Across: how many times as fast as the model without its dead
tokens, one by one; down: points of test accuracy lost; both with 95 % intervals. Each panel has one candidate in blue (controls
in orange), all others in grey, and random tokens (5 seeds) dashed. A line joins keep ratios at the same layers. Losses above ${MOST_LOSS} points
are not drawn.</figcaption><div class="panels">${panels}</div></figure>`
}

function pointOf({ sweep, setting, loss, speedup }: SettingRow): Point[] {
  if (speedup === undefined) return []
  const layers = setting.kind === 'pruned' || setting.kind === 'truncated' ? setting.budget.layers.join() : ''
  return [
    {
      name: sweep.name,
      isControl: isControl(setting),
      line: `${sweep.name} ${layers}`,
      speed: speedup.value,
      slowest: speedup.low,
      fastest: speedup.high,
      loss: loss.estimate,
      least: loss.low,
      most: loss.high,
      title: `${sweep.name}, ${settingText(setting)}: ${factor(speedup.value)}, loss ${points(loss)}`,
    },
  ]
}

type Range = readonly [low: number, high: number]

function panel(name: string, all: readonly Point[], x: Range, y: Range): Html {
  const seen = all.filter(({ loss }) => loss <= y[1])
  const own = seen.filter((point) => point.name === name)
  const chance = seen.filter((point) => point.name === 'random')
  const others = seen.filter((point) => point.name !== name && point.name !== 'random')
  const clip = (value: number, [low, high]: Range): number => Math.min(high, Math.max(low, value))
  const colour = own[0]?.isControl ? 'var(--chance)' : 'var(--own)'
  const line = (points: readonly Point[], options: Plot.LineYOptions): Plot.Markish =>
    Plot.line(points as Point[], { x: 'speed', y: 'loss', z: 'line', ...options })
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
      Plot.link(own, {
        x1: ({ slowest }: Point) => clip(slowest, x),
        x2: ({ fastest }: Point) => clip(fastest, x),
        y1: 'loss',
        y2: 'loss',
        stroke: colour,
        strokeOpacity: 0.5,
      }),
      Plot.link(own, {
        x1: 'speed',
        x2: 'speed',
        y1: ({ least }: Point) => clip(least, y),
        y2: ({ most }: Point) => clip(most, y),
        stroke: colour,
        strokeOpacity: 0.5,
      }),
      line(own, { stroke: colour, strokeWidth: 1.8 }),
      Plot.dot(own, { x: 'speed', y: 'loss', fill: colour, r: 3, title: 'title' }),
    ],
  })
  return raw(svg)
}
