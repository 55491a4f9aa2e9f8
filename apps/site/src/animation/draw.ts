import type { Lane, Measured, Piece } from './measure.ts'

const WIDTH = 960
const LANE = 456
const PADDING = 18
const FONT = 13
/** Of a monospaced font, as a share of its size. */
const ADVANCE = FONT * 0.602
const LINE = 21
const COLUMNS = Math.floor((LANE - 2 * PADDING) / ADVANCE)
const TEXT_TOP = 150
/** Of the whole animation: what the dense run takes of it, and where the result is shown. */
const SECONDS = 11
const RUNNING = 0.62
/** Steps of the clocks, in ms. */
const TICK = 0.1

/**
 * The two runs as an SVG that moves by CSS alone: both clocks run slowed by the same factor, and a word fades when the layer
 * that prunes it is done. Without motion it shows the end. Within a run, layers are placed by their numbers of tokens; only the
 * whole run is timed.
 */
export function draw(measured: Measured): string {
  const { text, pieces, dense, pruned, speedup, rounds, setting } = measured
  const slowed = Math.round((SECONDS * RUNNING * 1000) / dense.ms / 100) * 100
  const lines = linesOf(text)
  const height = TEXT_TOP + lines.length * LINE + 74
  const percent = Math.round(pruned.probability * 100)
  const summary =
    `A mail of ${dense.tokens[0]} tokens, run dense and pruned next to each other. Dense: ${dense.ms.toFixed(1)} ms, ` +
    `${dense.answer}. Pruned: tokens fade layer by layer, ${pruned.ms.toFixed(1)} ms, ${pruned.answer}.`
  const lanes = [
    { lane: dense, x: 0, title: 'every token', isPruned: false },
    { lane: pruned, x: WIDTH - LANE, title: 'pruned between layers', isPruned: true },
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(summary)}">
<style>
${styleOf(measured)}
</style>
${lanes.map(({ lane, x, title, isPruned }) => laneOf({ lane, x, title, isPruned, lines, pieces, height })).join('\n')}
<text class="result" x="${WIDTH / 2}" y="${height - 36}" text-anchor="middle">${speedup.value.toFixed(1)}× as fast, the same answer: ${pruned.answer}, ${percent} %</text>
<text class="note" x="${WIDTH / 2}" y="${height - 14}" text-anchor="middle">real run, slowed ${slowed.toLocaleString('en')} times; ${setting}; medians of ${rounds} runs in turn, one thread (${speedup.low.toFixed(2)}× … ${speedup.high.toFixed(2)}×)</text>
</svg>
`
}

interface LaneDrawing {
  readonly lane: Lane
  readonly x: number
  readonly title: string
  readonly isPruned: boolean
  readonly lines: readonly Line[]
  readonly pieces: readonly Piece[]
  readonly height: number
}

function laneOf({ lane, x, title, isPruned, lines, pieces, height }: LaneDrawing): string {
  const name = isPruned ? 'pruned' : 'dense'
  const width = (LANE - 2 * PADDING - 5 * 6) / 6
  const boxes = lane.tokens.map((tokens, layer) => {
    const left = PADDING + layer * (width + 6)
    const center = left + width / 2
    return `<rect class="box ${name}-${layer}" x="${left.toFixed(1)}" y="78" width="${width.toFixed(1)}" height="38" rx="5"/><text class="count" x="${center.toFixed(1)}" y="96" text-anchor="middle">${tokens}</text><text class="layer" x="${center.toFixed(1)}" y="110" text-anchor="middle">layer ${layer}</text>`
  })
  const words = lines.map(({ start, text }, i) => {
    const y = TEXT_TOP + i * LINE
    const at = (offset: number): string => (PADDING + offset * ADVANCE).toFixed(1)
    const length = (count: number): string => (count * ADVANCE).toFixed(1)
    if (!isPruned) {
      return `<text class="word" x="${at(0)}" y="${y}" textLength="${length(text.length)}">${escaped(text)}</text>`
    }
    const own = pieces.filter((piece) => piece.start >= start && piece.start < start + text.length)
    return own
      .map((piece) => {
        const fade = piece.prunedAt === undefined ? 'kept' : `fade-${piece.prunedAt}`
        return `<text class="word ${fade}" x="${at(piece.start - start)}" y="${y}" textLength="${length(piece.text.length)}">${escaped(piece.text)}</text>`
      })
      .join('')
  })
  return `<g transform="translate(${x} 0)">
<rect class="card" x="0.5" y="0.5" width="${LANE - 1}" height="${height - 68}" rx="10"/>
<text class="title" x="${PADDING}" y="38">${title}</text>
${clockOf(lane.ms, name)}
${boxes.join('\n')}
${words.join('\n')}
</g>`
}

/** A strip of readings, of which a window shows one at a time. */
function clockOf(ms: number, name: string): string {
  const readings = readingsOf(ms)
  const right = LANE - PADDING
  const strip = readings.map(
    (text, i) => `<text class="clock" x="${right}" y="${40 + i * 40}" text-anchor="end">${text} ms</text>`,
  )
  return `<svg x="0" y="0" width="${LANE}" height="50" viewBox="0 0 ${LANE} 50" overflow="hidden"><g class="strip-${name}">${strip.join('')}</g></svg>`
}

function readingsOf(ms: number): string[] {
  const steps = Math.floor(ms / TICK)
  return [...Array.from({ length: steps }, (_, i) => (i * TICK).toFixed(1)), ms.toFixed(1)]
}

function styleOf({ dense, pruned }: Measured): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)}%`
  /** When a lane's layer ends, as a share of the animation. */
  const ends = (lane: Lane): number[] => {
    const all = lane.tokens.reduce((sum, tokens) => sum + tokens)
    let before = 0
    return lane.tokens.map((tokens) => {
      before += tokens
      return (RUNNING * (lane.ms / dense.ms) * before) / all
    })
  }
  const rules = (
    [
      ['dense', dense],
      ['pruned', pruned],
    ] as const
  ).flatMap(([name, lane]) => {
    const done = ends(lane)
    const end = done.at(-1) as number
    const rows = readingsOf(lane.ms).length - 1
    return [
      `.strip-${name}{transform:translateY(-${rows * 40}px);animation:strip-${name} ${SECONDS}s infinite}`,
      `@keyframes strip-${name}{0%{transform:none;animation-timing-function:steps(${rows})}${percent(end)},100%{transform:translateY(-${rows * 40}px)}}`,
      ...done.flatMap((share, layer) => [
        `.${name}-${layer}{animation:${name}-${layer} ${SECONDS}s infinite}`,
        `@keyframes ${name}-${layer}{0%,${percent(Math.max(share - 0.004, 0.001))}{fill:var(--idle)}${percent(share)},100%{fill:var(--${name})}}`,
        ...(name === 'pruned'
          ? [
              `.fade-${layer}{opacity:.17;animation:fade-${layer} ${SECONDS}s infinite}`,
              `@keyframes fade-${layer}{0%,${percent(Math.max(share - 0.012, 0.001))}{opacity:1}${percent(share)},100%{opacity:.17}}`,
            ]
          : []),
      ]),
    ]
  })
  return [
    'svg{--card:#fff;--line:#d5dbe3;--ink:#1c2430;--soft:#596579;--idle:#e9edf2;--dense:#c9d3e0;--pruned:#8fd3b6;--strong:#0b7a53}',
    '@media(prefers-color-scheme:dark){svg{--card:#161b22;--line:#343c48;--ink:#e6ebf2;--soft:#9aa7b8;--idle:#222933;--dense:#46536a;--pruned:#1f6b4e;--strong:#4fd1a1}}',
    'text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}',
    `.word{font:${FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}`,
    '.card{fill:var(--card);stroke:var(--line)}.box{fill:var(--idle)}',
    '.title{font-size:17px;font-weight:600}.clock{font-size:26px;font-weight:700;font-variant-numeric:tabular-nums}',
    '.count{font-size:14px;font-weight:600}.layer,.note{font-size:11px;fill:var(--soft)}.note{font-size:12px}',
    `.result{font-size:19px;font-weight:700;fill:var(--strong);animation:result ${SECONDS}s infinite}`,
    `@keyframes result{0%,${percent(RUNNING)}{opacity:0}${percent(RUNNING + 0.03)},100%{opacity:1}}`,
    ...rules,
    '@media(prefers-reduced-motion:reduce){*{animation:none!important}.box[class*=dense]{fill:var(--dense)}.box[class*=pruned]{fill:var(--pruned)}}',
  ].join('\n')
}

interface Line {
  /** Of its first character in the text. */
  readonly start: number
  readonly text: string
}

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  let start = 0
  while (start < text.length) {
    const rest = text.slice(start, start + COLUMNS + 1)
    const end = rest.length <= COLUMNS ? rest.length : rest.lastIndexOf(' ')
    lines.push({ start, text: text.slice(start, start + end) })
    start += end + 1
  }
  return lines
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
