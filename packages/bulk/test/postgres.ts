import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from 'queue-tests'

/** Folder of PostgreSQL's programs, as Debian installs them. */
const programs: string | undefined = (() => {
  const root = '/usr/lib/postgresql'
  const found = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
  return found.find((folder) => existsSync(join(folder, 'initdb')))
})()

/** Why no server can be started here, if that is so. */
export const whyNoPostgres: string | undefined = programs === undefined ? 'PostgreSQL is not installed here' : undefined

export interface Postgres extends Disposable {
  readonly url: string
  /** Ends the connections of all clients. */
  endConnections(): void
  /** Kills the server without notice, and starts it again. */
  restart(): void
}

const END = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'tp'"

/** A server of one's own. It refuses to run as root, so then it runs as the user that its package has made. */
export async function startPostgres(): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'tp-postgres-'))
  const port = await freePort()
  const idOf = (what: string): number => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }))
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const attempt = (program: string, ...args: string[]): number | null =>
    spawnSync(join(programs as string, program), args, { ...user, stdio: 'ignore', cwd: folder }).status
  const run = (program: string, ...args: string[]): void => {
    const status = attempt(program, ...args)
    if (status !== 0) throw new Error(`${program} ended with ${status}`)
  }
  const data = join(folder, 'data')
  run('initdb', '-D', data, '-A', 'trust', '-U', 'tp')
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`
  const start = (): void => run('pg_ctl', '-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start')
  const kill = (): void => run('pg_ctl', '-D', data, '-m', 'immediate', 'stop')
  start()
  run('createdb', '-h', '127.0.0.1', '-p', `${port}`, '-U', 'tp', 'tp')
  return {
    url: `postgres://tp@127.0.0.1:${port}/tp`,
    // Some do not live long enough to be ended.
    endConnections: () => void attempt('psql', '-h', '127.0.0.1', '-p', `${port}`, '-U', 'tp', '-c', END, 'postgres'),
    restart() {
      kill()
      start()
    },
    [Symbol.dispose]() {
      kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
