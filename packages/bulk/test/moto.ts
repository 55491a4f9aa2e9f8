import { spawn, spawnSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { freePort } from 'queue-tests'

/** Python with `moto[server]` of PyPI, which speaks S3; TP_PYTHON names another one than `python3`. */
const python = process.env.TP_PYTHON ?? 'python3'

export const hasMoto: boolean = spawnSync(python, ['-c', 'import moto.server']).status === 0

export interface Moto extends AsyncDisposable {
  readonly url: string
}

/** A server of buckets, empty, in memory. Clients find it by the environment. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' })
  const environment = {
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  }
  Object.assign(process.env, environment)
  while ((await fetch(url).catch(() => undefined)) === undefined) await setTimeout(100)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
    },
  }
}
