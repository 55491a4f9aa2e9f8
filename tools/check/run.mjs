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

/** Words that are not a group. */
const modes = new Map([
  ['exhaustive', 'everything, with the slow tests'],
  ['again', 'also tests of packages where nothing has changed since they passed'],
])

/** Groups that take minutes and that an ordinary change cannot break: only before a release, or by name. */
const exhaustiveGroups = new Set(['install', 'release', 'python'])

/** Groups that use every processor by themselves; the others run two at a time before them. */
const wholeMachine = new Set(['docs', 'tests'])

/**
 * Everything that `npm test` does, in order; the quick ones first.
 * @param {string} scratch a folder for temporary files
 * @param {{ exhaustive: boolean, again: boolean }} options
 * @returns {Record<string, () => Promise<Outcome[]>>}
 */
function groups(scratch, { exhaustive, again }) {
  /** @type {Promise<import('./tarballs.mjs').Tarball[]> | undefined} */
  let packed
  const tarballs = () => {
    packed ??= packAll(scratch)
    return packed
  }
  return {
    lint: checkFormatAndLint,
    types: checkTypes,
    words: async () => (await import('./words/check-words.mjs')).checkWords(),
    unused: checkUnused,
    generated: checkGenerated,
    // These need packages that the set-up installs.
    manifests: async () => [
      ...(await checkManifests()),
      await (await import('./release/next-version.mjs')).checkNextVersion(),
    ],
    api: async () => (await import('./api/check-api.mjs')).checkApi(),
    sizes: checkSizes,
    tarballs: async () => checkTarballs(await tarballs(), { exhaustive }),
    install: async () => (await import('./install/check-install.mjs')).checkInstall(scratch, await tarballs()),
    release: async () => (await import('./release/check-release.mjs')).checkRelease(scratch),
    python: async () => (await import('./python/check-python.mjs')).checkPython(scratch),
    docs: async () => checkDocs(scratch, await tarballs(), { exhaustive }),
    tests: async () => runTests(scratch, { exhaustive, again, tarballs: await tarballs() }),
  }
}

/** The words that may follow `npm test --`. @returns {string[]} */
export function groupNames() {
  return [...Object.keys(groups('', { exhaustive: false, again: false })), ...modes.keys(), 'help']
}

/**
 * @param {readonly string[]} args the groups to run, none: those of every day; and words of `modes`
 * @returns {Promise<number>} exit code
 */
export async function main(args) {
  const exhaustive = args.includes('exhaustive')
  const names = args.filter((name) => !modes.has(name))
  const scratch = mkdtempSync(join(tmpdir(), 'tp-check-'))
  try {
    const all = groups(scratch, { exhaustive, again: exhaustive || args.includes('again') })
    const known = [...Object.keys(all), ...[...modes].map(([mode, meaning]) => `${mode} (${meaning})`)].join(', ')
    if (names.includes('help')) {
      process.stdout.write(`Groups: ${known}\n`)
      return 0
    }
    const unknown = names.filter((name) => !(name in all))
    if (unknown.length > 0) {
      process.stderr.write(`No group ${unknown.join(', ')}. There are: ${known}\n`)
      return 2
    }
    const outcomes = await attempt('set-up', async () => {
      setUp()
      return []
    })
    // Without an install and a build everything else would only fail again.
    if (outcomes.length === 0) {
      const isSelected = (/** @type {string} */ name) =>
        names.length === 0 ? exhaustive || !exhaustiveGroups.has(name) : names.includes(name)
      const selected = Object.entries(all).filter(([name]) => isSelected(name))
      outcomes.push(...(await sideBySide(selected.filter(([name]) => !wholeMachine.has(name)))))
      for (const [name, group] of selected.filter(([name]) => wholeMachine.has(name))) {
        process.stdout.write(`\n${name} …\n`)
        outcomes.push(...(await attempt(name, group)))
      }
    }
    process.stdout.write(`\n${closing(outcomes)}\n`)
    return outcomes.some(({ state }) => state === 'failed') ? 1 : 0
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * Runs groups two at a time; each waits for commands for most of its time.
 * @param {readonly (readonly [string, () => Promise<Outcome[]>])[]} groups
 * @returns {Promise<Outcome[]>} in the order of the groups
 */
async function sideBySide(groups) {
  /** @type {Outcome[][]} */
  const outcomes = []
  const list = groups.entries()
  const takeTurns = async () => {
    for (const [i, [name, group]] of list) outcomes[i] = await attempt(name, group)
  }
  await Promise.all([takeTurns(), takeTurns()])
  return outcomes.flat()
}

/** @param {string} name @param {() => Promise<Outcome[]>} group @returns {Promise<Outcome[]>} */
async function attempt(name, group) {
  const start = performance.now()
  const outcomes = await group().catch((error) => [
    failed(name, error instanceof Error ? error.message : String(error)),
  ])
  process.stdout.write(`\n${name}\n`)
  for (const { state, name, note = '' } of outcomes) {
    if (state === 'failed') process.stdout.write(`  FAILED ${name}\n${note.replace(/^/gm, '    ')}\n`)
  }
  const count = outcomes.filter(({ state }) => state === 'passed').length
  process.stdout.write(
    `  ${count} of ${outcomes.length} passed, ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
  )
  return outcomes
}
