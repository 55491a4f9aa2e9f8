import { type Runtime, type Session, type SessionOptions, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { loadModel } from './load-model.ts'
import type { TuneOptions, TuneProgress } from './options.ts'
import { type Common, pruned, type TunedPruning } from './pruning.ts'

interface MeasurerOptions
  extends Pick<TuneOptions, 'known' | 'limitMs' | 'load' | 'onMeasured' | 'onProgress' | 'signal'> {
  /** The options that all prunings share. */
  readonly pruning?: Common
}

/** Makes each measurement once, reports it, and lets an interrupted call resume. */
export class Measurer {
  readonly #known: Record<string, readonly number[]>
  readonly #options: MeasurerOptions
  readonly #began = performance.now()
  #progress: TuneProgress = { stage: 'latency', done: 0, total: 0 }
  #best: string | undefined

  constructor(options: MeasurerOptions) {
    this.#known = { ...options.known }
    this.#options = options
  }

  get signal(): TuneOptions['signal'] {
    return this.#options.signal
  }

  /** Whether the time is over in which something is tried. */
  get isLate(): boolean {
    const { limitMs = Number.POSITIVE_INFINITY } = this.#options
    return performance.now() - this.#began > limitMs
  }

  /** Announces a number of measurements of a kind. */
  begin(stage: TuneProgress['stage'], total: number): void {
    this.#progress = { stage, done: 0, total }
  }

  /** The fastest plan so far. */
  found(best: string): void {
    this.#best = best
    this.#tell(0)
  }

  /** A pruned model on a runtime, on one thread if it is to be timed. */
  load(runtime: Runtime, model: Model, pruning: TunedPruning, options?: SessionOptions): Promise<Session> {
    return loadModel(this.#options, runtime, pruned(model, pruning, this.#options.pruning).model, options)
  }

  /** @throws TpError TP_ABORTED */
  async measure(key: string, ask: () => Promise<readonly number[]>): Promise<readonly number[]> {
    throwIfAborted(this.#options.signal, 'optimize')
    const before = this.#known[key]
    const numbers = before ?? (await ask())
    if (before === undefined) {
      this.#known[key] = numbers
      await this.#options.onMeasured?.({ ...this.#known })
    }
    this.#tell(1)
    return numbers
  }

  #tell(more: number): void {
    const { stage, done, total } = this.#progress
    this.#progress = { stage, done: done + more, total: Math.max(total, done + more) }
    this.#options.onProgress?.({ ...this.#progress, ...(this.#best !== undefined && { best: this.#best }) })
  }
}
