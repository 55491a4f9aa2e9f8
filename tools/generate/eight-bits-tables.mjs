import { intervalText } from './interval-text.mjs'
import { measuredRows } from './json-lines.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ estimate: number, low: number, high: number }} Interval
 * @typedef {Record<string, [number, number, number]>} Speeds
 * @typedef {{ model: string, form: string, setting: string, same?: Record<string, [same: number, of: number, largest: number]>,
 *   metric?: string, quality?: Interval, loss?: Interval, similarity?: number, speed?: Speeds, speedOfTwo?: Speeds, wasm?: Speeds,
 *   date: string, commit: string, machine: string, withoutVnni?: true }} EightBitRow a line of docs/results/eight-bits.jsonl (apps/benchmark/src/eight-bits)
 */

const FILE = 'docs/results/eight-bits.jsonl'

/** @param {{ withoutVnni?: boolean }} [processor] @returns {readonly EightBitRow[]} */
export function eightBitRows(processor) {
  return measuredRows(FILE, processor)
}

const NONE = 'Nothing has been measured yet: `npm run benchmark -- eight-bits` does.'

/** Whether answers depend on their batch, and how good they are. @param {readonly EightBitRow[]} rows */
export function sameBitsTable(rows) {
  const lines = rows.flatMap((row) => {
    if (row.same === undefined) return []
    const right = row.same['padded right'] ?? row.same.batches
    // Bits of one file of several say nothing about the answers of all.
    const answer =
      row.metric === undefined
        ? ''
        : row.loss
          ? `${intervalText(row.loss)} of ${row.metric}`
          : `${row.metric} ${row.quality ? intervalText(row.quality) : ''}`
    const similarity = row.similarity === undefined ? '' : `${row.similarity.toFixed(4)}`
    return [[row.model, row.setting, same(right), same(row.same['padded left']), answer, similarity]]
  })
  const headings = [
    'model',
    'file',
    'same bits in batches: padded right',
    'padded left',
    'points lost (95 %)',
    'cosine',
  ]
  return lines.length === 0 ? NONE : markdownTable(headings, lines)
}

/** Times over the published file. @param {readonly EightBitRow[]} rows */
export function eightBitTimesTable(rows) {
  const timed = rows.filter(({ speed, form }) => speed !== undefined && form !== 'published')
  if (timed.length === 0) return NONE
  const lines = timed.map(({ model, setting, speed, speedOfTwo, wasm }) => [
    model,
    setting,
    times(speed),
    times(speedOfTwo),
    times(wasm),
  ])
  const [{ date, machine }] = /** @type {[EightBitRow, ...EightBitRow[]]} */ (
    timed.toSorted((a, b) => (a.date < b.date ? 1 : -1))
  )
  const headings = ['model', 'file', 'one thread', 'two threads', 'wasm in Chromium']
  return `${markdownTable(headings, lines)}\n\nLast measured ${date}, ${machine}.`
}

/** @param {[same: number, of: number, largest: number] | undefined} counts */
function same(counts) {
  if (counts === undefined) return ''
  const [equal, of, largest] = counts
  return equal === of ? `**${equal} of ${of}**` : `${equal} of ${of}, by up to ${Number(largest.toPrecision(2))}`
}

/** `1×16 2.1, 1×128 1.9`. @param {Speeds | undefined} speeds */
function times(speeds) {
  if (speeds === undefined) return ''
  return Object.entries(speeds)
    .map(([shape, [value]]) => `${shape} ${value.toFixed(2)}`)
    .join(', ')
}
