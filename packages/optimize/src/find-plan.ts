import type { SpeechInputs, TaskData } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { loadModel } from './load-model.ts'
import type { TuneOptions, TuneProgress } from './options.ts'
import { tuneSpeech } from './speech/tune-speech.ts'
import { tune } from './tune.ts'
import type { TunedPlan } from './tuned-plan.ts'
import { withVectors } from './with-vectors.ts'
import { withinMinutes } from './within-minutes.ts'

export interface FindPlanOptions
  extends Omit<TuneOptions, 'inputs' | 'limitMs' | 'known' | 'onMeasured' | 'onProgress'> {
  /** Examples that no later report uses; those of models that give vectors need no labels. */
  readonly data: Exclude<TaskData, { readonly task: 'tokens' }>
  /** About how long it may take; default: until everything has been tried. Speech is searched whole. */
  readonly minutes?: number | undefined
  /** Called with the examples that are used, before models are compared on them: returns where measurements are kept. */
  readonly prepare?: (inputs: ModelInputs | SpeechInputs) => Promise<Pick<TuneOptions, 'known' | 'onMeasured'>>
  readonly onProgress?: (progress: FindProgress) => void
}

/** The progress of `tune`, and before it of one example that is timed, and of the dense model's vectors. A total of 0: nothing is counted. */
export interface FindProgress extends Omit<TuneProgress, 'stage'> {
  readonly stage: TuneProgress['stage'] | 'example' | 'vectors'
}

/**
 * Finds the fastest plan for a model that loses no more than is allowed, by the task of its data: `tune` with as many examples as there is
 * time for, by the dense model's own vectors where it gives vectors, or the search for encoders of speech.
 * @throws as `tune`
 *
 * @example
 * const data = { task: 'embeddings', inputs } as const
 * const plan = await findPlan({ model, data, variants, runtime, minutes: 10, maxLoss: 0.5 })
 */
export async function findPlan(options: FindPlanOptions): Promise<TunedPlan> {
  const { data, minutes, prepare, ...common } = options
  const { runtime, device = runtime, model, signal, onProgress } = common
  if (data.task === 'asr') {
    const { inputs, decoder } = data
    return await tuneSpeech({ ...common, runtime: device, inputs, decoder, ...(await prepare?.(inputs)) })
  }
  if (minutes !== undefined) onProgress?.({ stage: 'example', done: 0, total: 0 })
  const limited: Partial<TuneOptions> =
    minutes === undefined ? {} : await withinMinutes(minutes, { ...common, inputs: data.inputs })
  let { inputs = data.inputs } = limited
  if (data.task === 'embeddings') {
    onProgress?.({ stage: 'vectors', done: 0, total: 0 })
    await using dense = await loadModel(common, runtime, model, {})
    inputs = await withVectors(dense, inputs, {
      ...(signal && { signal }),
      onProgress: (at) => onProgress?.({ stage: 'vectors', ...at }),
    })
  }
  return await tune({ ...common, ...limited, inputs, ...(await prepare?.(inputs)) })
}
