/** A point of a plot, in its axes' units. */
type Point = readonly [x: number, y: number]

export interface Series {
  readonly name: string
  /** Points that belong together are joined by a line. */
  readonly groups: readonly (readonly Point[])[]
}

interface Panel {
  readonly x: string
  readonly series: readonly Series[]
  /** What is asked for: at least x, at most y. */
  readonly target?: Point | undefined
}

export interface ScatterOptions {
  readonly title: string
  /** A loss: 0 is at the top, so that up and to the right is better. */
  readonly y: string
  readonly panels: readonly Panel[]
}

/** Colours that people who see fewer of them tell apart, too (Okabe & Ito), and a shape for each. */
const LOOKS = [
  ['#0072b2', 'circle'],
  ['#d55e00', 'square'],
  ['#009e73', 'triangle'],
  ['#cc79a7', 'diamond'],
  ['#e69f00', 'circle'],
  ['#56b4e9', 'square'],
  ['#000000', 'triangle'],
  ['#888888', 'diamond'],
] as const

const PANEL = { width: 340, height: 320, left: 52, top: 64, bottom: 44, gap: 14 }
const LEGEND = 150
/** Losses beyond it are outside the image. */
const MOST_LOSS = 10

/** Loss against what is gained, one panel for each way to count that, as SVG. */
export function scatterPlots({ title, y, panels }: ScatterOptions): string {
  const width = PANEL.left + panels.length * (PANEL.width + PANEL.gap) + LEGEND
  const height = PANEL.top + PANEL.height + PANEL.bottom
  const losses = panels.flatMap(({ series }) => series.flatMap(({ groups }) => groups.flat().map(([, loss]) => loss)))
  const most = Math.min(MOST_LOSS, Math.max(2, ...losses))
  const least = Math.min(0, ...losses)
  const toY = (loss: number): number => PANEL.top + ((loss - least) / (most - least)) * PANEL.height
  const body = panels.map((panel, i) => panelOf(panel, PANEL.left + i * (PANEL.width + PANEL.gap), most, toY))
  const ticks = steps(least, most).map((loss) => label(PANEL.left - 6, toY(loss) + 4, `${loss}`, 'end'))
  const middle = PANEL.top + PANEL.height / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${PANEL.left}" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    label(
      PANEL.left,
      42,
      `Up and to the right is better. A line joins shares kept at the same layers. Losses above ${MOST_LOSS} points are not shown.`,
    ),
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...ticks,
    ...body,
    ...legend(panels[0]?.series ?? [], width - LEGEND + 8),
    '</svg>\n',
  ].join('\n')
}

function panelOf({ x, series, target }: Panel, left: number, most: number, toY: (loss: number) => number): string {
  const values = series.flatMap(({ groups }) => groups.flat().map(([value]) => value))
  const [low, high] = [Math.min(1, ...values), Math.max(...values, target?.[0] ?? 1) * 1.03]
  const toX = (value: number): number => left + ((value - low) / (high - low)) * PANEL.width
  const bottom = PANEL.top + PANEL.height
  const ticks = steps(low, high).flatMap((value) => [
    `<line x1="${round(toX(value))}" y1="${PANEL.top}" x2="${round(toX(value))}" y2="${bottom}" stroke="#e4e4e4"/>`,
    label(toX(value), bottom + 16, `${value}×`, 'middle'),
  ])
  const zone =
    target &&
    `<rect x="${round(toX(target[0]))}" y="${PANEL.top}" width="${round(left + PANEL.width - toX(target[0]))}" height="${round(toY(target[1]) - PANEL.top)}" fill="#009e73" fill-opacity="0.1"/>`
  const marks = series.flatMap(({ groups }, i) =>
    groups.flatMap((group) => {
      const seen = group.filter(([, loss]) => loss <= most)
      const path = seen.map(([value, loss]) => `${round(toX(value))},${round(toY(loss))}`).join(' ')
      return [
        `<polyline points="${path}" fill="none" stroke="${look(i)[0]}" stroke-opacity="0.4"/>`,
        ...seen.map(([value, loss]) => marker(toX(value), toY(loss), i)),
      ]
    }),
  )
  return [
    ...(zone ? [zone] : []),
    ...ticks,
    `<rect x="${left}" y="${PANEL.top}" width="${PANEL.width}" height="${PANEL.height}" fill="none" stroke="#999"/>`,
    ...marks,
    label(left + PANEL.width / 2, bottom + 34, x, 'middle'),
  ].join('\n')
}

function legend(series: readonly Series[], left: number): string[] {
  return series.flatMap(({ name }, i) => {
    const y = PANEL.top + 12 + i * 20
    return [marker(left + 6, y - 4, i), label(left + 18, y, name)]
  })
}

function look(i: number): (typeof LOOKS)[number] {
  return LOOKS[i % LOOKS.length] as (typeof LOOKS)[number]
}

function marker(x: number, y: number, i: number): string {
  const [colour, shape] = look(i)
  const at = (dx: number, dy: number): string => `${round(x + dx)},${round(y + dy)}`
  const polygon = (...points: string[]): string => `<polygon points="${points.join(' ')}" fill="${colour}"/>`
  if (shape === 'circle') return `<circle cx="${round(x)}" cy="${round(y)}" r="4" fill="${colour}"/>`
  if (shape === 'square') return polygon(at(-4, -4), at(4, -4), at(4, 4), at(-4, 4))
  if (shape === 'triangle') return polygon(at(0, -5), at(5, 4), at(-5, 4))
  return polygon(at(0, -5.5), at(5.5, 0), at(0, 5.5), at(-5.5, 0))
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(text)}</text>`
}

/** Four to eight round numbers within a range. */
function steps(low: number, high: number): number[] {
  const rough = (high - low) / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power
  const first = Math.ceil(low / step - 1e-9)
  const count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
