import type { Lane, MailPiece, MeasuredMail } from './measure.ts'
import { READING, RUNNING, readingsOf, SECONDS, styleOf } from './motion.ts'

/** `wide`: both runs next to each other; `narrow`: below each other, for phones. */
export type Form = 'wide' | 'narrow'

const LANE = 456
const GAP = 48
const PADDING = 18
/** Advance of a monospaced font of 13 px. */
const ADVANCE = 13 * 0.602
const LINE = 21
const COLUMNS = Math.floor((LANE - 2 * PADDING) / ADVANCE)
const TEXT_TOP = 150
/** For a card without words. */
const CLOCKS = 130

/**
 * The two runs as an SVG that moves: both clocks run slowed by the same factor, and a word fades when the layer that prunes it is
 * done. Within a run, layers are placed by their numbers of tokens; only the whole run is timed.
 */
export function draw(measured: MeasuredMail, form: Form): string {
  const { text, dense, pruned, speedup, rounds, setting } = measured
  const lines = linesOf(text)
  const card = TEXT_TOP + lines.length * LINE - 6
  const isWide = form === 'wide'
  const [width, below] = isWide ? [2 * LANE + GAP, card] : [LANE, CLOCKS + 12 + card]
  const slowed = Math.round((SECONDS * RUNNING * 1000) / dense.ms / 100) * 100
  const notes = [
    `real run, slowed ${slowed.toLocaleString('en')} times; ${setting}`,
    `medians of ${rounds} runs in turn, one thread (${speedup.low.toFixed(2)}× … ${speedup.high.toFixed(2)}×)`,
  ]
  const noteLines = isWide ? [notes.join('; ')] : notes
  const height = below + 36 + 20 * noteLines.length
  const summary =
    `A mail of ${dense.tokens[0]} tokens, run dense and pruned. Dense: ${dense.ms.toFixed(1)} ms, ${dense.answer}. ` +
    `Pruned: tokens fade layer by layer, ${pruned.ms.toFixed(1)} ms, ${pruned.answer}.`
  const centered = (kind: string, y: number, own: string): string =>
    `<text class="${kind}" x="${width / 2}" y="${y}" text-anchor="middle">${own}</text>`
  const percent = Math.round(pruned.probability * 100)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(summary)}">
<style>
${styleOf(measured)}
</style>
${laneOf({ name: 'dense', title: 'every token', lane: dense, x: 0, y: 0, height: isWide ? card : CLOCKS, words: isWide ? plainWords(lines) : '' })}
${laneOf({ name: 'pruned', title: 'pruned between layers', lane: pruned, x: isWide ? LANE + GAP : 0, y: below - card, height: card, words: fadingWords(lines, measured.pieces) })}
${centered('result', below + 28, `${speedup.value.toFixed(1)}× as fast, the same answer: ${pruned.answer}, ${percent} %`)}
${noteLines.map((note, i) => centered('note', below + 50 + 18 * i, note)).join('\n')}
</svg>
`
}

interface LaneDrawing {
  readonly name: 'dense' | 'pruned'
  readonly title: string
  readonly lane: Lane
  readonly x: number
  readonly y: number
  readonly height: number
  readonly words: string
}

function laneOf({ name, title, lane, x, y, height, words }: LaneDrawing): string {
  const width = (LANE - 2 * PADDING - 5 * 6) / 6
  const boxes = lane.tokens.map((tokens, layer) => {
    const left = PADDING + layer * (width + 6)
    const center = (left + width / 2).toFixed(1)
    return `<rect class="box ${name}-${layer}" x="${left.toFixed(1)}" y="78" width="${width.toFixed(1)}" height="38" rx="5"/><text class="count" x="${center}" y="96" text-anchor="middle">${tokens}</text><text class="layer" x="${center}" y="110" text-anchor="middle">layer ${layer}</text>`
  })
  return `<g transform="translate(${x} ${y})">
<rect class="card" x="0.5" y="0.5" width="${LANE - 1}" height="${height - 1}" rx="10"/>
<text class="title" x="${PADDING}" y="38">${title}</text>
${clockOf(lane.ms, name)}
${boxes.join('\n')}
${words}
</g>`
}

function plainWords(lines: readonly Line[]): string {
  return lines.map(({ text }, i) => word(text, 0, i, '')).join('\n')
}

function fadingWords(lines: readonly Line[], pieces: readonly MailPiece[]): string {
  const drawn = lines.map(({ start, text }, i) => {
    const own = pieces.filter((piece) => piece.start >= start && piece.start < start + text.length)
    return own.map((piece) => {
      const fade = piece.prunedAt === undefined ? '' : ` fade-${piece.prunedAt}`
      return word(piece.text, piece.start - start, i, fade)
    })
  })
  return drawn.flat().join('')
}

/** @param column where it begins, in characters */
function word(text: string, column: number, line: number, fade: string): string {
  const x = (PADDING + column * ADVANCE).toFixed(1)
  const length = (text.length * ADVANCE).toFixed(1)
  return `<text class="word${fade}" x="${x}" y="${TEXT_TOP + line * LINE}" textLength="${length}">${escaped(text)}</text>`
}

/** A strip of readings, of which a window shows one at a time. */
function clockOf(ms: number, name: string): string {
  const strip = readingsOf(ms).map((text, i) => {
    return `<text class="clock" x="${LANE - PADDING}" y="${READING * (i + 1)}" text-anchor="end">${text} ms</text>`
  })
  return `<svg width="${LANE}" height="50" viewBox="0 0 ${LANE} 50" overflow="hidden"><g class="strip-${name}">${strip.join('')}</g></svg>`
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
