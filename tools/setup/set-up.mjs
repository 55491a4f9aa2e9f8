import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Installs the packages of the lockfile and builds every package of the workspace, except the examples, which their test builds.
 * Both steps skip what is up to date.
 */
export function setUp() {
  installPackages()
  buildPackages()
}

/** The pnpm that the workspace names: the one it has installed itself, else (first run) npm's npx fetches it. */
function installPackages() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const installed = join(root, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs')
  const pnpm = existsSync(installed) ? [process.execPath, installed] : ['npx', '-y', packageManager]
  // A node_modules of another package manager is replaced without asking.
  const options = ['--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false']
  step('install', [...pnpm, 'install', ...options])
}

function buildPackages() {
  const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo')
  step('build', [process.execPath, turbo, 'run', 'build', '--filter=!./apps/examples/*', '--output-logs=errors-only'])
}

/**
 * Runs one command with all its output on stderr; stdout is the caller's.
 * @param {string} name
 * @param {string[]} command
 */
function step(name, [program = '', ...args]) {
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: program === 'npx' && process.platform === 'win32',
    env: {
      ...process.env,
      PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH, // turbo looks for pnpm there
      TURBO_TELEMETRY_DISABLED: '1',
    },
  })
  if (result.error) throw new Error(`${name}: "${program}" did not start: ${result.error.message}`)
  if (result.status !== 0) throw new Error(`${name} failed (see above); run it again once that is fixed.`)
}
