import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { failed } from './outcome.mjs'
import { keepOutcomes, keptOutcomes, keysOfTests } from './unchanged.mjs'
import { root, tool, workspacePackages } from './workspace.mjs'

/** @typedef {import('./outcome.mjs').Outcome} Outcome */

/** Projects whose tests read files of the whole workspace. */
const readEverything = new Set(['tools', 'benchmark', 'site'])

/**
 * The tests of every package; those in a browser need a Chromium. The tests of a package that passed run again when
 * something changed that they read.
 * @param {string} scratch a folder for temporary files
 * @param {{ exhaustive: boolean, again: boolean, tarballs: readonly import('./tarballs.mjs').Tarball[] }} options `exhaustive`: also files named `*.exhaustive.test.*`, tests tagged `exhaustive`, and every case instead of a selection; `again`: also what has not changed since it passed; `tarballs`: of all packages, which tests may install
 * @returns {Promise<Outcome[]>}
 */
export async function runTests(scratch, { exhaustive, again, tarballs }) {
  const keys = exhaustive ? {} : await keysOfTests()
  const projects = [...testedPackages(), 'tools']
  /** @type {Record<string, { outcomes: Outcome[], slow: number }>} */
  const unchanged = {}
  for (const project of again ? [] : projects.filter((name) => !readEverything.has(name))) {
    const kept = keptOutcomes(project, keys[project])
    if (kept) unchanged[project] = kept
  }
  const names = Object.keys(unchanged)
  if (names.length > 0) {
    process.stdout.write(`Unchanged since they passed, not run (npm test -- again runs all): ${names.join(', ')}\n`)
  }

  const withoutBrowser = await findBrowser()
  const ran = await runVitest(
    scratch,
    projects.filter((name) => !(name in unchanged)),
    { exhaustive, tarballs },
  )
  for (const [project, { outcomes, slow }] of Object.entries(ran)) {
    const key = keys[project]
    const isGood = withoutBrowser.length === 0 && outcomes.every(({ state }) => state !== 'failed') && !('' in ran)
    if (key !== undefined && isGood) keepOutcomes(project, { key, outcomes, slow })
  }
  const all = [...Object.values(unchanged), ...Object.values(ran)]
  const slow = all.reduce((sum, { slow }) => sum + slow, 0)
  return [
    ...withoutBrowser,
    ...all.flatMap(({ outcomes }) => outcomes),
    ...(slow > 0
      ? [
          {
            name: `${slow} slow tests`,
            state: /** @type {const} */ ('skipped'),
            note: 'npm test -- exhaustive runs them',
          },
        ]
      : []),
  ]
}

/** Packages and apps with tests of their own, as `vitest.config.ts` finds them. */
function testedPackages() {
  return workspacePackages()
    .filter(({ folder }) => !folder.startsWith('tools/'))
    .map(({ manifest }) => manifest.name)
}

/**
 * @param {string} scratch
 * @param {readonly string[]} projects
 * @param {{ exhaustive: boolean, tarballs: readonly import('./tarballs.mjs').Tarball[] }} options
 * @returns {Promise<Record<string, { outcomes: Outcome[], slow: number }>>} by project; '': what belongs to none
 */
async function runVitest(scratch, projects, { exhaustive, tarballs }) {
  const file = join(scratch, 'outcomes.json')
  const packed = join(scratch, 'tarballs.json')
  writeFileSync(packed, JSON.stringify(tarballs))
  const reporters = ['--reporter=default', '--reporter=./tools/check/vitest-reporter.mjs']
  const only = projects.flatMap((name) => ['--project', name])
  const { ok } = await runCommand([...tool('vitest/vitest.mjs'), 'run', ...reporters, ...only], {
    cwd: root,
    env: { TP_OUTCOMES: file, TP_TARBALLS: packed, TP_EXHAUSTIVE: exhaustive ? '1' : '' },
    timeoutMs: 7_200_000,
    live: true,
  })
  const stray = (/** @type {string} */ note) => ({ outcomes: [failed('vitest', note)], slow: 0 })
  if (!existsSync(file)) return { '': stray('ended without a result (see above)') }
  /** @type {Record<string, { outcomes: Outcome[], slow: number }>} */
  const ran = JSON.parse(readFileSync(file, 'utf8'))
  const isSilent = !ok && !Object.values(ran).some(({ outcomes }) => outcomes.some(({ state }) => state === 'failed'))
  return isSilent ? { ...ran, '': stray('failed without naming a test (see above)') } : ran
}

/** @returns {Promise<Outcome[]>} nothing, or why there is none */
async function findBrowser() {
  // Only now: this script starts before anything is installed and built.
  const { ensureChromium } = await import('../browser-tests/dist/index.js')
  try {
    ensureChromium()
    return []
  } catch (error) {
    return [failed('Chromium', error instanceof Error ? error.message : String(error))]
  }
}
