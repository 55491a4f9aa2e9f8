import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setUp } from '../setup/set-up.mjs'
import { checkFormatAndLint, checkTypes, checkUnused } from './checks.mjs'
import { checkDocs } from './docs/check-docs.mjs'
import { checkGenerated } from './generated.mjs'
import { checkManifests } from './manifests.mjs'
import { closing, failed } from './outcome.mjs'
import { checkSizes } from './size.mjs'
import { checkTarballs, packAll } from './tarballs.mjs'
import { runTests } from './tests.mjs'

/** @typedef {import('./outcome.mjs').Outcome} Outcome */

/** Groups that take minutes and that an ordinary change cannot break: only before a release, or by name. */
const exhaustiveGroups = new Set(['install', 'release'])

/**
 * Everything that `npm test` does, in order; the quick ones first.
 * @param {string} scratch a folder for temporary files
 * @param {boolean} exhaustive
 * @returns {Record<string, () => Promise<Outcome[]>>}
 */
function groups(scratch, exhaustive) {
  /** @type {Promise<import('./tarballs.mjs').Tarball[]> | undefined} */
  let packed
  const tarballs = () => {
    packed ??= packAll(scratch)
    return packed
  }
  return {
    lint: checkFormatAndLint,
    types: checkTypes,
    unused: checkUnused,
    manifests: checkManifests,
    generated: checkGenerated,
    // These need packages that the set-up installs.
    api: async () => (await import('./api/check-api.mjs')).checkApi(),
    sizes: checkSizes,
    tarballs: async () => checkTarballs(await tarballs()),
    install: async () => (await import('./install/check-install.mjs')).checkInstall(scratch, await tarballs()),
    release: async () => (await import('./release/check-release.mjs')).checkRelease(scratch),
    docs: async () => checkDocs(scratch, await tarballs()),
    tests: () => runTests(scratch, { exhaustive }),
  }
}

/**
 * @param {readonly string[]} args the groups to run, none: those of every day; `exhaustive`: the slow checks, too
 * @returns {Promise<number>} exit code
 */
export async function main(args) {
  const exhaustive = args.includes('exhaustive')
  const names = args.filter((name) => name !== 'exhaustive')
  const scratch = mkdtempSync(join(tmpdir(), 'tp-check-'))
  try {
    const all = groups(scratch, exhaustive)
    const unknown = names.filter((name) => !(name in all))
    if (unknown.length > 0) {
      const known = [...Object.keys(all), 'exhaustive (everything, with the slow tests)']
      process.stderr.write(`No group ${unknown.join(', ')}. There are: ${known.join(', ')}\n`)
      return 2
    }
    const outcomes = await attempt('set-up', async () => {
      setUp()
      return []
    })
    for (const [name, group] of Object.entries(all)) {
      // Without an install and a build everything else would only fail again.
      if (outcomes.some(({ name }) => name === 'set-up')) break
      const wanted = names.length === 0 ? exhaustive || !exhaustiveGroups.has(name) : names.includes(name)
      if (wanted) outcomes.push(...(await attempt(name, group)))
    }
    process.stdout.write(`\n${closing(outcomes)}\n`)
    return outcomes.some(({ state }) => state === 'failed') ? 1 : 0
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** @param {string} name @param {() => Promise<Outcome[]>} group @returns {Promise<Outcome[]>} */
async function attempt(name, group) {
  const start = performance.now()
  process.stdout.write(`\n${name}\n`)
  const outcomes = await group().catch((error) => [
    failed(name, error instanceof Error ? error.message : String(error)),
  ])
  for (const { state, name, note = '' } of outcomes) {
    if (state === 'failed') process.stdout.write(`  FAILED ${name}\n${note.replace(/^/gm, '    ')}\n`)
  }
  const count = outcomes.filter(({ state }) => state === 'passed').length
  process.stdout.write(
    `  ${count} of ${outcomes.length} passed, ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
  )
  return outcomes
}
