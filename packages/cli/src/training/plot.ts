import type { TrainingPart, TrainProgress } from '@tp/train'

/** A step of one of the parts of a training. */
export interface SeenStep extends TrainProgress {
  readonly part: TrainingPart
}

export interface Plotted {
  readonly title: string
  readonly steps: readonly SeenStep[]
  /** Share of the FLOPs that was aimed at, and the one that came out. */
  readonly target: number | undefined
  readonly flops: number | undefined
}

type PlotPoint = readonly [x: number, y: number]

const [WIDTH, PANEL, LEFT, RIGHT, TOP, GAP] = [760, 210, 64, 20, 44, 40]
/** A line has no more points than this; steps between them are averaged. */
const MOST_POINTS = 400

const style = `
  .page { fill: #ffffff } text { fill: #24292f; font: 12px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 }
  .axis { stroke: #8c959f; fill: none } .grid { stroke: #d0d7de; stroke-width: 0.6 }
  .raw { stroke: #0969da; opacity: 0.45 } .loss, .kept { stroke: #0969da } .flops { stroke: #bc4c00 }
  .line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .thin { stroke-width: 1 } .aim { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .axis { stroke: #6e7681 } .grid { stroke: #30363d }
    .raw, .loss, .kept { stroke: #58a6ff } .flops { stroke: #f0883e }
  }`

/** Loss and kept tokens over the steps of a training: a standalone image, for light and dark pages. */
export function plotTraining({ title, steps, target, flops }: Plotted): string {
  const soft = steps.filter(({ part }) => part === 'soft')
  const offset = soft.length
  const at = (seen: SeenStep): number => seen.step + (seen.part === 'hard' ? offset : 0)
  const points = (value: (seen: SeenStep) => number | undefined): PlotPoint[] =>
    steps.flatMap((seen) => {
      const y = value(seen)
      return y === undefined ? [] : [[at(seen), y] as const]
    })
  const most = Math.max(2, ...steps.map(at))
  const losses = points(({ loss }) => loss)
  const loss = panel({
    top: TOP,
    most,
    range: niceRange(losses.map(([, y]) => y)),
    label: 'loss',
    border: soft.length > 0 && soft.length < steps.length ? offset + 0.5 : undefined,
    lines: [soft, steps.filter(({ part }) => part === 'hard')].flatMap((own) => {
      const raw = own.map((seen): PlotPoint => [at(seen), seen.loss])
      return [
        { name: 'raw thin', points: raw },
        { name: 'loss', points: smoothed(raw) },
      ]
    }),
    legend: [
      ['raw', 'a step'],
      ['loss', 'mean around it'],
    ],
  })
  const shares: Line[] = [
    { name: 'kept', points: points(({ kept }) => kept) },
    { name: 'flops', points: points((seen) => seen.flops) },
    ...(target === undefined ? [] : [{ name: 'flops aim thin', points: level(target, 1, most) }]),
    ...(flops === undefined ? [] : [{ name: 'flops', points: level(flops, offset + (offset > 0 ? 1 : 0), most) }]),
  ]
  const share = panel({
    top: TOP + PANEL + GAP,
    most,
    range: [0, 1],
    label: 'share of dense',
    border: soft.length > 0 && soft.length < steps.length ? offset + 0.5 : undefined,
    lines: shares,
    legend: [
      ...(soft.length === 0 ? [] : ([['kept', 'tokens kept']] as const)),
      ['flops', 'FLOPs'],
      ...(target === undefined ? [] : ([['flops aim', 'FLOPs aimed at']] as const)),
    ],
  })
  const height = TOP + 2 * PANEL + GAP + 56
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${style}
</style>
<rect class="page" width="100%" height="100%"/>
<text class="title" x="${LEFT}" y="24">${escaped(title)}</text>
${loss}
${share}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 12}" text-anchor="middle">step</text>
</svg>
`
}

interface Line {
  /** Classes of its style. */
  readonly name: string
  readonly points: readonly PlotPoint[]
}

interface Panel {
  readonly top: number
  /** The last step. */
  readonly most: number
  readonly range: readonly [number, number]
  readonly label: string
  /** Where fine-tuning begins. */
  readonly border: number | undefined
  readonly lines: readonly Line[]
  readonly legend: readonly (readonly [name: string, text: string])[]
}

function panel({ top, most, range: [low, high], label, border, lines, legend }: Panel): string {
  const bottom = top + PANEL
  const x = (step: number): number => LEFT + ((step - 1) / (most - 1)) * (WIDTH - LEFT - RIGHT)
  const y = (value: number): number => bottom - ((value - low) / (high - low)) * PANEL
  const parts = [
    ...ticks(low, high).flatMap((value) => [
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(value))}" y2="${fixed(y(value))}"/>`,
      `<text x="${LEFT - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${tickText(value)}</text>`,
    ]),
    ...ticks(1, most)
      .filter(Number.isInteger)
      .map((step) => `<text x="${fixed(x(step))}" y="${bottom + 16}" text-anchor="middle">${step}</text>`),
    `<path class="axis" d="M${LEFT} ${top}V${bottom}H${WIDTH - RIGHT}"/>`,
    `<text transform="translate(16 ${top + PANEL / 2}) rotate(-90)" text-anchor="middle">${label}</text>`,
    ...(border === undefined
      ? []
      : [
          `<line class="axis aim" x1="${fixed(x(border))}" x2="${fixed(x(border))}" y1="${top}" y2="${bottom}"/>`,
          `<text x="${fixed(x(border) + 5)}" y="${bottom - 8}">fine-tuning</text>`,
        ]),
    ...lines
      .filter(({ points }) => points.length > 1)
      .map(({ name, points }) => {
        const path = thinned(points).map(([step, value]) => `${fixed(x(step))} ${fixed(y(clamped(value, low, high)))}`)
        return `<path class="line ${name}" d="M${path.join('L')}"/>`
      }),
    ...legend.flatMap(([name, text], i) => {
      const start = WIDTH - RIGHT - 130 * (legend.length - i)
      return [
        `<path class="line ${name}" d="M${start} ${top - 8}h22"/>`,
        `<text x="${start + 28}" y="${top - 4}">${text}</text>`,
      ]
    }),
  ]
  return parts.join('\n')
}

function level(value: number, from: number, to: number): PlotPoint[] {
  return [
    [Math.max(1, from), value],
    [to, value],
  ]
}

/** Mean of the steps around, a twentieth of all. */
function smoothed(points: readonly PlotPoint[]): PlotPoint[] {
  const reach = Math.round(points.length / 40)
  return points.map(([x], i) => [x, meanOf(points.slice(Math.max(0, i - reach), i + reach + 1), 1)])
}

function meanOf(points: readonly PlotPoint[], axis: 0 | 1): number {
  return points.reduce((sum, point) => sum + point[axis], 0) / points.length
}

function thinned(points: readonly PlotPoint[]): readonly PlotPoint[] {
  const size = Math.ceil(points.length / MOST_POINTS)
  if (size === 1) return points
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i): PlotPoint => {
    const own = points.slice(i * size, (i + 1) * size)
    return [meanOf(own, 0), meanOf(own, 1)]
  })
}

function niceRange(values: readonly number[]): [number, number] {
  const high = values.reduce((a, b) => Math.max(a, b), 0)
  const low = values.reduce((a, b) => Math.min(a, b), 0)
  return high === low ? [low, low + 1] : [low, high]
}

/** Four to eight round numbers in a range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough
  const first = Math.ceil(low / step - 1e-9)
  const count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

function tickText(value: number): string {
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(0) : String(value)
}

function clamped(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function fixed(value: number): string {
  return value.toFixed(1)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
