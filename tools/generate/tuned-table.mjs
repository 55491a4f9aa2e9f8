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
const ALLOWED = /Up to (?<allowed>[\d.]+) points/
const TUNED = /^\| tuned \| .*? \| (?<loss>.+?) \| .*? \| (?<speedup>.+?) \| (?<interval>.+?) \|/m
const GRID = /mean (?<mean>[\d.]+×), least (?<least>[\d.]+×)/
const UNIFORM = /and (?<uniform>[\d.]+×) as fast as the fastest uniform one/

/** What `tp tune` chose, in short, of the page that `pnpm --filter benchmark tuning` writes. @param {string} page */
export function tunedTable(page) {
  const [, ...sections] = page.split(/^## /m)
  const plans = sections.flatMap((section) => {
    const title = TITLE.exec(section.slice(0, section.indexOf('\n')))?.groups
    if (title === undefined) return []
    const found = [ALLOWED, TUNED, GRID, UNIFORM].map((pattern) => find(pattern, section))
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
