import { type Runtime, type Session, type SessionOptions, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { loadModel } from './load-model.ts'
import type { OptimizeOptions, OptimizeProgress } from './options.ts'
import { type Common, pruned, type TunedPruning } from './search/pruning.ts'

interface MeasurerOptions
  extends Pick<OptimizeOptions, 'known' | 'enough' | 'load' | 'onMeasured' | 'onProgress' | 'signal'> {
  /** After which nothing more is tried. Default: no limit. */
  readonly limitMs?: number | undefined
  /** The options that all prunings share. */
  readonly pruning?: Common
}

/** Makes each measurement once, reports it, and lets an interrupted call resume. */
export class Measurer {
  readonly #known: Record<string, readonly number[]>
  readonly #options: MeasurerOptions
  readonly #began = performance.now()
  #progress: OptimizeProgress = { stage: 'forms', done: 0, total: 0 }
  #best: string | undefined

  constructor(options: MeasurerOptions) {
    this.#known = { ...options.known }
    this.#options = options
  }

  get signal(): OptimizeOptions['signal'] {
    return this.#options.signal
  }

  /** Whether the time is over in which something is tried, or a part of it. */
  isLate(part = 1): boolean {
    const { limitMs = Number.POSITIVE_INFINITY, enough } = this.#options
    return enough?.aborted === true || performance.now() - this.#began > part * limitMs
  }

  /** Announces a number of measurements of a kind. */
  begin(stage: OptimizeProgress['stage'], total: number): void {
    this.#progress = { stage, done: 0, total }
  }

  /** The fastest plan so far, if there is another one. */
  found(best: string | undefined = this.#best): void {
    this.#best = best
    this.#tell(0)
  }

  /** The model as it was given, on one thread. */
  loadDense(runtime: Runtime, model: Model): Promise<Session> {
    return loadModel(this.#options, runtime, model)
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
