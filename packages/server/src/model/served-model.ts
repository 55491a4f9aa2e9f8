import type { RunPlan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type OpenModel, openModel, type ServedModelOptions } from './open-model.ts'
import { type Statistics, StatisticsCounter } from './statistics.ts'

export interface ServedOptions extends Omit<ServedModelOptions, 'name'> {
  /** Reads the plan again when the file is opened again. Default: `plan` remains. */
  readonly readPlan?: (() => Promise<RunPlan>) | undefined
}

/** A model under a name, whose file may be replaced while it is served. */
export interface ServedModel {
  readonly name: string
  /** The model that answers now. */
  readonly current: OpenModel
  readonly statistics: Statistics
  /** Uses the model that is current now until the work has ended, even if it is replaced meanwhile. */
  use<T>(work: (model: OpenModel) => Promise<T>): Promise<T>
  /**
   * Opens the file again. Later requests are answered by the new one; those that came before by the old one, which is freed then.
   * If the new one cannot be opened, the old one remains. One at a time, so that no more than two are in memory: all requests
   * while one is under way are served once, by the next.
   * @throws TpError as {@link openModel}; TP_SERVE for one that takes no texts, where the old one does; TP_CLOSED after
   * `close`; what `readPlan` throws
   */
  reload(): Promise<void>
  /** Once all that was accepted is answered. */
  close(): Promise<void>
}

interface Generation {
  readonly model: OpenModel
  users: number
  /** Set once it is replaced or closed: called by its last user. */
  free?: () => void
}

export async function serveModel(name: string, { readPlan, ...settings }: ServedOptions): Promise<ServedModel> {
  const statistics = new StatisticsCounter()
  const options: ServedModelOptions = {
    ...{ ...settings, name },
    onBatch(report) {
      statistics.addRun(report)
      settings.onBatch?.(report)
    },
  }
  let current: Generation = { model: await openModel(options), users: 0 }
  let isClosing = false
  let underWay: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  async function retire(generation: Generation): Promise<void> {
    await new Promise<void>((resolve) => {
      if (generation.users === 0) resolve()
      else generation.free = resolve
    })
    await generation.model.engine.close()
  }

  async function replace(): Promise<void> {
    if (isClosing) throw new TpError('TP_CLOSED', 'server', `${name} is being closed, and is not opened again`)
    const model = await openModel(readPlan === undefined ? options : { ...options, plan: await readPlan() })
    const old = current
    if (takesTexts(old.model) && !takesTexts(model)) {
      await model.engine.close()
      const seen = `${name} has answered texts, and the model there now cannot: ${model.texts}`
      throw new TpError('TP_SERVE', 'server', `${seen}; restore it, or start another server`)
    }
    current = { model, users: 0 }
    await retire(old)
  }

  return {
    name,
    statistics,
    get current() {
      return current.model
    },
    async use(work) {
      const generation = current
      generation.users++
      try {
        return await statistics.time(() => work(generation.model))
      } finally {
        generation.users--
        if (generation.users === 0) generation.free?.()
      }
    },
    reload() {
      next ??= underWay.then(() => {
        next = undefined
        const own = replace()
        underWay = own.catch(() => undefined)
        return own
      })
      return next
    },
    async close() {
      isClosing = true
      await underWay
      await retire(current)
    },
  }
}

/** Where its tokenizer is missing, as in a folder that is half replaced, a model is opened all the same: it answers tensors. */
function takesTexts({ texts }: OpenModel): boolean {
  return typeof texts !== 'string'
}
