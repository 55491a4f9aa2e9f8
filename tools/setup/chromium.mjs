import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './set-up.mjs'

const SYSTEM = '/usr/bin/chromium'

/** @returns {Promise<string | undefined>} path of the Chromium that tests in a browser use */
export async function findChromium() {
  const { CHROMIUM_PATH } = process.env
  if (CHROMIUM_PATH) {
    if (existsSync(CHROMIUM_PATH)) return CHROMIUM_PATH
    throw new Error(`CHROMIUM_PATH is ${CHROMIUM_PATH}, where there is no file`)
  }
  return [SYSTEM, await playwrightPath()].find(existsSync)
}

/**
 * Finds a Chromium, or installs one: as root the system's with apt, else Playwright's own.
 * @returns {Promise<string>} its path
 */
export async function ensureChromium() {
  for (const install of [() => {}, installWithApt, installWithPlaywright]) {
    install()
    const path = await findChromium()
    if (path !== undefined) return path
  }
  throw new Error(
    'there is no Chromium for the tests in a browser, and none could be installed (see above); ' +
      'install one, or give its path as CHROMIUM_PATH',
  )
}

async function playwrightPath() {
  // Only now: a script that sets up starts before anything is installed.
  const { chromium } = await import('playwright-core')
  return chromium.executablePath()
}

function installWithApt() {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  run('apt-get', ['update'])
  run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'])
}

function installWithPlaywright() {
  run(process.execPath, [join(root, 'node_modules', 'playwright-core', 'cli.js'), 'install', 'chromium'])
}

/** What goes wrong is seen by the Chromium that is missing afterwards. @param {string} program @param {string[]} args */
function run(program, args) {
  spawnSync(program, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}
