import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { runCommand } from '../command.mjs'

/** The last one for Node 20. One of its dependencies asks for a tag that not every mirror has. */
const tool = { private: true, dependencies: { verdaccio: '6.2.9' }, overrides: { 'node-fetch': '2.7.0' } }

/**
 * @typedef {{ url: string, env: Record<string, string | undefined>, [Symbol.asyncDispose](): Promise<void> }} LocalRegistry
 *   `env`: what makes npm use it, with a cache of its own
 */

/**
 * Starts a registry on this machine (verdaccio): packages of ours are those that are published to it, all others come from the registry
 * that npm uses here.
 * @param {string} folder a folder that does not exist yet
 * @returns {Promise<LocalRegistry>}
 */
export async function openLocalRegistry(folder) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify(tool))
  const install = ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error']
  const { ok, output } = await runCommand(install, { cwd: folder, timeoutMs: 600_000 })
  if (!ok) throw new Error(`verdaccio could not be installed:\n${output}`)
  const { output: upstream } = await runCommand(['npm', 'config', 'get', 'registry'], { cwd: folder })
  const port = await freePort()
  const url = `http://localhost:${port}/`
  writeFileSync(join(folder, 'config.json'), JSON.stringify(settings(upstream)))
  writeFileSync(join(folder, 'npmrc'), `registry=${url}\n//localhost:${port}/:_authToken=anyone\n`)
  const program = join(folder, 'node_modules/verdaccio/bin/verdaccio')
  const server = spawn(process.execPath, [program, '--config', join(folder, 'config.json'), '--listen', String(port)], {
    cwd: folder,
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  await answers(`${url}-/ping`, server)
  return {
    url,
    env: {
      npm_config_userconfig: join(folder, 'npmrc'),
      npm_config_registry: undefined,
      npm_config_cache: join(folder, 'cache'),
    },
    async [Symbol.asyncDispose]() {
      server.kill()
      await ended
    },
  }
}

/** @param {string} upstream */
function settings(upstream) {
  const all = { access: '$all', publish: '$all', unpublish: '$all' }
  const own = { '@tp/*': all, 'create-tp-plugin': all, 'tp-*': all }
  return {
    storage: './storage',
    uplinks: { npm: { url: upstream, cache: false, timeout: '120s' } },
    packages: { ...own, '**': { access: '$all', proxy: 'npm' } },
    max_body_size: '100mb',
    log: { type: 'stdout', format: 'pretty', level: 'fatal' },
    web: { enable: false },
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, 'localhost', () => {
      const address = server.address()
      server.close(() => resolve(/** @type {import('node:net').AddressInfo} */ (address).port))
    })
  })
}

/** @param {string} url @param {import('node:child_process').ChildProcess} server */
async function answers(url, server) {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    if (server.exitCode !== null) throw new Error(`verdaccio ended with ${server.exitCode}`)
    const found = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (found) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`verdaccio does not answer at ${url}`)
}
