import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutationNames } from 'exported-encoders'

/** A mutant: of which fixture, spoilt how, by which seed. */
export interface MutantQuestion {
  readonly folder: string
  readonly mutation: string
  readonly seed: number
}

/** Mutants of seeds from `from`: every fixture, spoilt in every way, in turns. Those of one fixture are side by side. */
export function questions(folder: string, fixtures: readonly string[], from: number, count: number): MutantQuestion[] {
  const seeds = Array.from({ length: count }, (_, i) => from + i)
  return fixtures.flatMap((fixture, at) =>
    seeds
      .filter((seed) => seed % fixtures.length === at)
      .map((seed) => {
        const turn = Math.floor(seed / fixtures.length) % mutationNames.length
        return { folder: join(folder, fixture), mutation: mutationNames[turn] as string, seed }
      }),
  )
}

export interface MutantVerdict {
  /** In a few words, the same for mutants that end alike. */
  readonly outcome: string
  /** The fault, if there is one. */
  readonly bug?: string
  /** Processor time of decoding, inspecting and pruning. */
  readonly seconds?: number
  /** The most memory that the process has had until then. */
  readonly gibibytes?: number
}

/** Longer than any mutant takes by itself on a machine that does other things as well. */
const PATIENCE_MS = 300_000

/** Memory is judged by its peak, which only a new process resets. */
const MOST = 250

/** Another process that examines mutants one after the other: one that never ends, or takes all memory, ends it alone. */
export class Examiner {
  readonly #process: ChildProcess
  #examined = 0
  isUsable = true

  constructor() {
    this.#process = fork(fileURLToPath(new URL('worker.js', import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
  }

  examine(question: MutantQuestion): Promise<MutantVerdict> {
    return new Promise((resolve) => {
      let stage = 'start'
      const end = (verdict: MutantVerdict, isUsable: boolean): void => {
        clearTimeout(timer)
        this.#process.removeAllListeners()
        this.isUsable = isUsable && ++this.#examined < MOST
        resolve(verdict)
      }
      const timer = setTimeout(() => {
        end({ outcome: `hang: ${stage}`, bug: `no answer within ${PATIENCE_MS / 1000} s` }, false)
      }, PATIENCE_MS)
      this.#process.on('message', (message: MutantVerdict | { readonly stage: string }) => {
        if ('stage' in message) stage = message.stage
        else end(message, message.bug === undefined)
      })
      this.#process.on('exit', (code, signal) => {
        const isOurs = stage !== 'dense'
        const outcome = `process ended: ${stage}`
        end({ outcome, ...(isOurs && { bug: `exit code ${code}, signal ${signal}` }) }, false)
      })
      this.#process.send(question)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
  }
}
