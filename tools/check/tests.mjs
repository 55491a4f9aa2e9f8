import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { failed } from './outcome.mjs'
import { root, tool } from './workspace.mjs'

/**
 * The tests of every package; those in a browser need a Chromium.
 * @param {string} scratch a folder for temporary files
 * @param {{ exhaustive: boolean, tarballs: readonly import('./tarballs.mjs').Tarball[] }} options `exhaustive`: also files named `*.exhaustive.test.*`, tests tagged `exhaustive`, and every case instead of a selection; `tarballs`: of all packages, which tests may install
 * @returns {Promise<import('./outcome.mjs').Outcome[]>}
 */
export async function runTests(scratch, { exhaustive, tarballs }) {
  const file = join(scratch, 'outcomes.json')
  const packed = join(scratch, 'tarballs.json')
  writeFileSync(packed, JSON.stringify(tarballs))
  const withoutBrowser = await findBrowser()
  const reporters = ['--reporter=default', '--reporter=./tools/check/vitest-reporter.mjs']
  const { ok } = await runCommand([...tool('vitest/vitest.mjs'), 'run', ...reporters], {
    cwd: root,
    env: { TP_OUTCOMES: file, TP_TARBALLS: packed, TP_EXHAUSTIVE: exhaustive ? '1' : '' },
    timeoutMs: 7_200_000,
    live: true,
  })
  if (!existsSync(file)) return [...withoutBrowser, failed('vitest', 'ended without a result (see above)')]
  /** @type {import('./outcome.mjs').Outcome[]} */
  const outcomes = [...withoutBrowser, ...JSON.parse(readFileSync(file, 'utf8'))]
  const silent = !ok && !outcomes.some((outcome) => outcome.state === 'failed')
  return silent ? [...outcomes, failed('vitest', 'failed without naming a test (see above)')] : outcomes
}

/** @returns {Promise<import('./outcome.mjs').Outcome[]>} nothing, or why there is none */
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
