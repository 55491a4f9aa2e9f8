// Lighthouse on the built demo as a phone sees it: the median of several runs. npx pnpm --filter demo lighthouse [-- RUNS]
// On a busy machine scores are lower: Lighthouse slows down a processor that others use already.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '@tp/core/statistics'
import { findChromium, serve } from 'browser-tests'

const LIGHTHOUSE = 'lighthouse@12.8.2'
const METRICS = ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift']
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo']

const runs = Number(process.argv[2] ?? 5)
const site = fileURLToPath(new URL('../dist/site', import.meta.url))
const served = await serve(site, { isolated: true })
const folder = await mkdtemp(join(tmpdir(), 'tp-lighthouse-'))
const reports = []
try {
  for (let i = 0; reports.length < runs; i += 1) {
    if (i === 2 * runs) throw new Error(`of ${i} runs only ${reports.length} recorded the page`)
    const out = join(folder, `${i}.json`)
    const flags = [
      '--quiet',
      '--max-wait-for-load=120000',
      '--output=json',
      `--output-path=${out}`,
      `--only-categories=${CATEGORIES}`,
    ]
    const chromium = { env: { ...process.env, CHROME_PATH: findChromium() }, shell: process.platform === 'win32' }
    const command = ['--yes', LIGHTHOUSE, served.url, ...flags, '--chrome-flags=--headless=new --no-sandbox']
    // Where one of its audits runs out of time, it ends with an error, and the scores of the others are in its report.
    const failure = await promisify(execFile)('npx', command, chromium).then(
      () => undefined,
      (error) => error,
    )
    if (failure !== undefined && !existsSync(out)) throw failure
    if (failure !== undefined) console.error(failure.stderr.trim())
    const report = JSON.parse(await readFile(out, 'utf8'))
    // Chromium did not record the page: there is nothing to score.
    if (report.runtimeError !== undefined) continue
    reports.push(report)
    const scores = CATEGORIES.map((name) => `${name} ${scoreOf(report, name)}`)
    console.error(`run ${reports.length} of ${runs}: ${scores.join(', ')}`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
  await served[Symbol.asyncDispose]()
}
for (const name of CATEGORIES) console.log(`${name}  ${median(reports.map((report) => scoreOf(report, name)))}`)
for (const name of METRICS) {
  const { title, numericUnit } = reports[0].audits[name]
  const value = median(reports.map(({ audits }) => audits[name].numericValue))
  console.log(`${title}  ${numericUnit === 'millisecond' ? `${Math.round(value)} ms` : value.toFixed(3)}`)
}
// The largest costs of the last run.
const { audits } = reports.at(-1)
for (const name of ['bootup-time', 'unused-javascript', 'long-tasks', 'layout-shifts'])
  for (const item of audits[name]?.details?.items?.slice(0, 4) ?? [])
    console.log(
      `${name}  ${item.url ?? item.node?.selector ?? ''} ${Math.round(item.total ?? item.wastedBytes ?? item.duration ?? 0)}`,
    )

function scoreOf({ categories }, name) {
  return Math.round(100 * categories[name].score)
}
