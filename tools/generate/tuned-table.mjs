import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'

const FILE = 'docs/results/tuning.md'

export function tuningPage() {
  return readFileSync(join(root, FILE), 'utf8')
}

const TITLE = /^(?<model>.+), tuned in (?<device>\S+?)(?<cascade> as a cascade)?$/m
const ALLOWED = /Up to (?<allowed>[\d.]+) points/
const TUNED = /^\| tuned \| .*? \| (?<loss>.+?) \| .*? \| (?<speedup>.+?) \| (?<interval>.+?) \| (?<plan>.+?) \|$/m
const GRID = /mean (?<mean>[\d.]+×), least (?<least>[\d.]+×)/
const UNIFORM = /and (?<uniform>[\d.]+×) as fast as the fastest uniform one/

/** What `tp tune` chose, in short, of the page that `pnpm --filter benchmark tuning` writes. @param {string} page */
export function tunedTable(page) {
  const plans = page
    .split(/^## /m)
    .slice(1)
    .filter((part) => TITLE.test(firstLine(part)))
  const subjects = plans.map((plan) => find(TITLE, firstLine(plan)).model)
  const rows = plans.map((plan, i) => {
    const [title, tuned] = [find(TITLE, firstLine(plan)), find(TUNED, plan)]
    const { allowed, mean, least, uniform } = { ...find(ALLOWED, plan), ...find(GRID, plan), ...find(UNIFORM, plan) }
    const isFirst = subjects[i - 1] !== subjects[i]
    return row([
      isFirst ? `${title.model}, ${allowed}` : '',
      `${title.device}`,
      title.cascade === undefined ? 'one file' : 'cascade',
      `${tuned.speedup} (${tuned.interval})`,
      `${tuned.loss}`,
      `${least}, ${mean}`,
      `${uniform}`,
    ])
  })
  const headings = ['model, points allowed', 'runs in', 'plan', 'speed-up', 'test loss', 'least, mean', 'over uniform']
  return [row(headings), row(headings.map(() => '---')), ...rows].join('\n')
}

/** @param {string} part */
function firstLine(part) {
  return part.slice(0, part.indexOf('\n'))
}

/** @param {RegExp} pattern @param {string} text @returns {Record<string, string | undefined>} */
function find(pattern, text) {
  const groups = pattern.exec(text)?.groups
  if (groups === undefined) throw new Error(`${FILE}: nothing fits ${pattern} in "${firstLine(text)}".`)
  return groups
}

/** @param {readonly string[]} cells */
function row(cells) {
  return `| ${cells.join(' | ')} |`
}
