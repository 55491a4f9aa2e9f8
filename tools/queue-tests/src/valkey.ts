import { type ChildProcess, type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { freePort } from './free-port.ts'

const APT = '/usr/bin/apt-get'
const SERVERS = ['valkey-server', 'redis-server']

/** The server that is installed; as root on Debian it is installed first. */
function findServer(): string | undefined {
  const find = (): string | undefined =>
    SERVERS.find((name) => ['/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, name))))
  const found = find()
  if (found !== undefined || process.getuid?.() !== 0 || !existsSync(APT)) return found
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options: SpawnSyncOptions = { stdio: ['ignore', 2, 2], env }
  spawnSync(APT, ['update'], options)
  for (const name of SERVERS) {
    spawnSync(APT, ['install', '-y', '--no-install-recommends', name], options)
    if (find() !== undefined) break
  }
  return find()
}

const server: string | undefined = findServer()

/** Tests that need a server; where there is none they are left out by name. */
export function describeQueue(name: string, tests: () => void): void {
  if (server !== undefined) describe(name, tests)
  else test.skip(`${name} (left out: neither Valkey nor Redis is installed here, and neither could be)`, () => {})
}

export interface Valkey extends AsyncDisposable {
  readonly url: string
  /** Kills the server without notice, and starts it again with what it had written. */
  restart(): Promise<void>
}

/** A server of one's own that writes every change to its log before it answers. */
export async function startValkey(): Promise<Valkey> {
  const folder = mkdtempSync(join(tmpdir(), 'tp-valkey-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child = await start(folder, port, url)
  return {
    url,
    async restart() {
      await kill(child)
      child = await start(folder, port, url)
    },
    async [Symbol.asyncDispose]() {
      await kill(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function start(folder: string, port: number, url: string): Promise<ChildProcess> {
  const log = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, ...log]
  const child = spawn(server as string, args, { stdio: 'ignore' })
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  // While it reads its log it answers that it is loading.
  while ((await client.ping().catch(() => '')) !== 'PONG') await setTimeout(20)
  client.disconnect()
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
