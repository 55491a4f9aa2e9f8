import type { MethodEntry } from '@tp/core'
import { learnedBytes, type OptionValues } from '@tp/core/host'
import type { TrainingJob } from './job.ts'
import { trainPlan } from './train-plan.ts'

/** Keep ratio of a method while it learns, as where its recipe was measured; its values serve any other. */
const KEEP = 0.75

export interface TeachMethodOptions
  extends Pick<
    TrainingJob,
    'dense' | 'source' | 'runtime' | 'load' | 'inputs' | 'selection' | 'gives' | 'observer' | 'signal'
  > {
  readonly entry: MethodEntry
  /** Options of the method. */
  readonly params?: OptionValues
  /** The encoder that is to be pruned, in a file of several. */
  readonly encoder?: string
  /** The layers for which values are learned; default: all at which pruning saves something in most models. */
  readonly layers?: readonly number[]
}

/**
 * Teaches a method its values by the dense model's answers, for any keep ratio: the encoder's own weights do not change, and labels are not
 * used. `learn` of `optimize` in `@tp/optimize` asks for that during a search.
 * @returns the values as a safetensors file, which `readSafetensors` of `@tp/core/host` reads
 * @throws as `trainPlan`
 * @example
 * const learn = async (method) => readSafetensors(await teachMethod({ ...method, dense: model, source: 'sha-256 of the file', runtime }))
 * const plan = await optimize({ model, data, methods, runtime, learn })
 */
export async function teachMethod({ entry, params, encoder, layers, ...job }: TeachMethodOptions): Promise<Uint8Array> {
  const { learned = new Map() } = await trainPlan({
    ...{ ...job, methods: [entry], part: 'method', settings: { distillation: 1, evaluations: 1 } },
    plan: {
      ...{ format: 1, method: entry.name, keep: KEEP },
      ...(params && { params }),
      ...(encoder !== undefined && { encoder }),
      ...(layers && { layers }),
    },
  })
  return learnedBytes(learned)
}
