import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** Workers as processes of their own; each that ends is replaced. */
export interface Workers extends AsyncDisposable {
  /** Kills one of them without notice, the one with that number modulo how many there are. */
  kill(which: number): void
  /** How many were killed. */
  readonly killed: number
  /** How many have ended by themselves. */
  readonly lost: number
}

export interface WorkersOptions {
  readonly count: number
  readonly url: string
  readonly folder: string
  /** Seconds. */
  readonly lostAfter: number
}

export function startWorkers({ count, url, folder, lostAfter }: WorkersOptions): Workers {
  const running: ChildProcess[] = []
  let [isEnding, killed, lost] = [false, 0, 0]
  const start = (slot: number): void => {
    const child = spawn(process.execPath, [program, url, folder, `${lostAfter}`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    running[slot] = child
    child.once('exit', (_, signal) => {
      if (isEnding) return
      if (signal === null) lost++
      start(slot)
    })
  }
  for (let slot = 0; slot < count; slot++) start(slot)
  return {
    get killed() {
      return killed
    },
    get lost() {
      return lost
    },
    kill(which) {
      if (running[which % count]?.kill('SIGKILL')) killed++
    },
    async [Symbol.asyncDispose]() {
      isEnding = true
      const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of running) child.kill('SIGTERM')
      await Promise.race([Promise.all(ended), setTimeout(10_000)])
      for (const child of running) child.kill('SIGKILL')
    },
  }
}
