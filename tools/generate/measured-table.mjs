import { intervalText } from './interval-text.mjs'
import { jsonLines } from './json-lines.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ estimate: number, low: number, high: number }} Interval
 * @typedef {{ subject: string, title: string, examples: string, way: string, allowed: number, date: string, quick: boolean,
 *   machine: string, versions: string, chosen?: { name: string, setting: string, loss: Interval, flops: number,
 *   speedup: { value: number, low: number, high: number } } }} SummaryLine a line that `npm run benchmark -- --publish` writes
 */

const FILE = 'docs/results/benchmark.jsonl'

/** @returns {readonly SummaryLine[]} */
export function publishedLines() {
  return jsonLines(FILE)
}

/** The speed of each way to save work at an equal loss. @param {readonly SummaryLine[]} lines */
export function measuredTable(lines) {
  const [first] = lines
  if (first === undefined) return 'Nothing has been published yet: `npm run benchmark -- --publish` does.'
  const { allowed, date, machine, versions, quick } = first
  const about =
    `\`npm run benchmark\`, ${date}, ${machine}, ${versions}${quick ? '; a quick run, with few examples' : ''}. For each way to ` +
    `save work, the fastest setting that loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data, measured on test data: points ` +
    'lost, paired by example, and speed-up over the model without its dead tokens, in turns, on one thread, both with 95 % intervals.'
  const rows = lines.map(({ title, examples, way, chosen, subject }, i) => {
    const isFirst = lines[i - 1]?.subject !== subject
    const task = isFirst ? `${title}; ${examples}` : ''
    if (chosen === undefined) return [task, way, 'none of its settings', '', '', '']
    const name = chosen.name === way ? '' : `${chosen.name}, `
    return [
      task,
      way,
      `${name}${chosen.setting}`,
      intervalText(chosen.loss),
      factors(chosen.speedup),
      `${chosen.flops.toFixed(2)}×`,
    ]
  })
  const table = markdownTable(['task', 'way', 'setting', 'test loss', 'speed-up', 'FLOPs'], rows)
  return `${about}\n\n${table}`
}

/** @param {{ value: number, low: number, high: number }} speedup */
function factors({ value, low, high }) {
  return `${value.toFixed(2)}× (${low.toFixed(2)} … ${high.toFixed(2)})`
}
