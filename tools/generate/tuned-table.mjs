import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {Record<'model' | 'device' | 'allowed' | 'loss' | 'speedup' | 'interval' | 'mean' | 'least' | 'uniform', string> &
 *   { cascade?: string }} TunedPlan named groups of the patterns below
 */

const FILE = 'docs/results/tuning.md'

export function tuningPage() {
  return readFileSync(join(root, FILE), 'utf8')
}

const TITLE = /^(?<model>.+), tuned in (?<device>\S+?)(?<cascade> as a cascade)?$/
const ALLOWED = /^\| points allowed \| (?<allowed>[\d.]+)/m
const TUNED = /^\| tuned \| .*? \| (?<loss>.+?) \| .*? \| (?<speedup>.+?) \| (?<interval>.+?) \|/m
const MEAN = /^\| speed over the grid, dense where that is faster: mean \| (?<mean>[\d.]+×) \|/m
const LEAST = /^\| the same: least \| (?<least>[\d.]+×) \|/m
const UNIFORM = /^\| over the fastest uniform plan that loses no more on test \| (?<uniform>[\d.]+×) \|/m

/** The choices of `tp optimize`, in short, of the page that `npm run benchmark -- tuning` writes. @param {string} page */
export function tunedTable(page) {
  const [, ...sections] = page.split(/^## /m)
  const plans = sections.flatMap((section) => {
    const title = TITLE.exec(section.slice(0, section.indexOf('\n')))?.groups
    if (title === undefined) return []
    const found = [ALLOWED, TUNED, MEAN, LEAST, UNIFORM].map((pattern) => find(pattern, section))
    return [/** @type {TunedPlan} */ (Object.assign({}, title, ...found))]
  })
  const rows = plans.map(({ model, device, cascade, allowed, speedup, interval, loss, least, mean, uniform }, i) => {
    const subject = plans[i - 1]?.model === model ? '' : `${model}, ${allowed}`
    const form = cascade === undefined ? 'one file' : 'cascade'
    return [subject, device, form, `${speedup} (${interval})`, loss, `${least}, ${mean}`, uniform]
  })
  return markdownTable(
    ['model, points allowed', 'runs in', 'plan', 'speed-up', 'test loss', 'least, mean', 'over uniform'],
    rows,
  )
}

/** @param {RegExp} pattern @param {string} section */
function find(pattern, section) {
  const groups = pattern.exec(section)?.groups
  if (groups !== undefined) return groups
  throw new Error(`${FILE}: nothing fits ${pattern} in "${section.slice(0, section.indexOf('\n'))}".`)
}
