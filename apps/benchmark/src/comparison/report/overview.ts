import * as Plot from '@observablehq/plot'
import { factor, points } from '@tp/compare'
import { plotSvg } from '../../report/plot.ts'
import { type ReportedChoice, USUAL_LOSS } from '../plan.ts'
import { controlWays } from '../sweep.ts'
import { type Html, html, raw } from './html.ts'
import type { Shown } from './tables.ts'
import { type Fault, faultOf } from './verdict.ts'

/** A way on a subject. */
interface Dot extends Pick<ReportedChoice, 'row' | 'tested'> {
  readonly way: string
  readonly isControl: boolean
  readonly fault: Fault | undefined
}

interface Panel {
  readonly name: string
  readonly dots: readonly Dot[]
}

/** Every way on every subject: how many times as fast, at which loss. */
export function overview(subjects: readonly Shown[]): Html {
  const panels = subjects.map(panelOf).filter(({ dots }) => dots.length > 0)
  if (panels.length === 0) return html``
  const all = panels.flatMap(({ dots }) => dots.map(({ tested }) => tested))
  const range = [Math.min(0.8, ...all.map(({ low }) => low)), Math.max(...all.map(({ high }) => high))] as const
  return html`<figure><figcaption>The speed of each way compared with the model without its dead tokens, and the points that it loses,
both on test data with 95 % intervals. A full circle keeps what calibration data promised, a cross loses more, a hollow circle is
not faster. Controls, in italics, do not look at the tokens.</figcaption><div class="panels wide">${panels.map(
    ({ name, dots }) =>
      html`<div class="panel"><h3><a href="#${name}">${name}</a></h3>${raw(chart(name, dots, range))}</div>`,
  )}</div></figure>`
}

function panelOf({ plan, rows }: Shown): Panel {
  const dots = plan.reported(rows, USUAL_LOSS).map(({ row, tested, sweep: { way } }): Dot => {
    return { way, isControl: controlWays.includes(way), row, tested, fault: faultOf({ row, tested }, USUAL_LOSS) }
  })
  return { name: plan.form.name, dots: dots.toSorted((a, b) => b.tested.value - a.tested.value) }
}

function chart(name: string, dots: readonly Dot[], range: readonly [low: number, high: number]): string {
  const way = ({ way }: Dot): string => way
  const speed = ({ tested }: Dot): number => tested.value
  const marks = (fault: Fault | undefined, options: Plot.DotOptions): Plot.Markish => {
    const own = dots.filter((dot) => dot.fault === fault)
    return Plot.dot(own, { x: speed, y: way, stroke: 'var(--own)', strokeWidth: 2, r: 4.5, ...options })
  }
  const names = (isControl: boolean): Plot.Markish => {
    const own = dots.filter((dot) => dot.isControl === isControl)
    const fontStyle = isControl ? 'italic' : 'normal'
    return Plot.text(own, { y: way, text: way, frameAnchor: 'left', dx: -112, textAnchor: 'start', fontStyle })
  }
  return plotSvg(`${name}: ${dots.map((dot) => `${dot.way} ${factor(dot.tested.value)}`).join(', ')}`, {
    width: 420,
    height: 48 + 22 * dots.length,
    marginLeft: 118,
    marginRight: 128,
    marginTop: 18,
    style: { fontSize: '13px' },
    x: { domain: [...range], label: null, tickFormat: (value: number) => `${value}×`, ticks: 4 },
    y: { domain: dots.map(way), axis: null },
    marks: [
      Plot.ruleX([1], { stroke: 'currentColor', strokeOpacity: 0.6 }),
      Plot.link(dots, {
        x1: ({ tested }: Dot) => tested.low,
        x2: ({ tested }: Dot) => tested.high,
        y: way,
        stroke: 'var(--own)',
        strokeWidth: 2,
      }),
      marks(undefined, { fill: 'var(--own)' }),
      marks('loses more', { symbol: 'times' }),
      marks('not faster', { fill: 'var(--page)' }),
      names(false),
      names(true),
      Plot.text(dots, {
        y: way,
        text: ({ row }: Dot) => points(row.loss),
        frameAnchor: 'right',
        dx: 124,
        textAnchor: 'end',
      }),
    ],
  })
}
