import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const SYSTEM = '/usr/bin/chromium'

/**
 * Path of the Chromium that tests use: what `CHROMIUM_PATH` says, else the system's, else Playwright's own.
 * @throws Error if `CHROMIUM_PATH` names no file
 */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env
  if (CHROMIUM_PATH) {
    if (existsSync(CHROMIUM_PATH)) return CHROMIUM_PATH
    throw new Error(`CHROMIUM_PATH is ${CHROMIUM_PATH}, where there is no file`)
  }
  return [SYSTEM, chromium.executablePath()].find(existsSync)
}

/**
 * Finds a Chromium, or installs one: as root the system's with apt, else Playwright's own.
 * @returns its path
 * @throws Error if none can be found
 */
export function ensureChromium(): string {
  for (const install of [() => {}, installWithApt, installWithPlaywright]) {
    install()
    const path = findChromium()
    if (path !== undefined) return path
  }
  throw new Error(
    'there is no Chromium for the tests in a browser, and none could be installed (see above); ' +
      'install one, or give its path as CHROMIUM_PATH',
  )
}

function installWithApt(): void {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  run('apt-get', ['update'])
  run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'])
}

function installWithPlaywright(): void {
  const playwright = dirname(fileURLToPath(import.meta.resolve('playwright-core/package.json')))
  run(process.execPath, [join(playwright, 'cli.js'), 'install', 'chromium'])
}

/** A failure shows by the Chromium that is missing afterwards. */
function run(program: string, args: readonly string[]): void {
  spawnSync(program, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}
