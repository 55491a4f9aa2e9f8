import type { Stage } from '@tp/core'
import type { AbortSignalLike } from '@tp/core/runtime'
import { saliencyOf } from './saliency.ts'
import { encoderOf } from './sizes.ts'
import { type StageGraphs, type StageGraphsOptions, stageGraphs } from './stage-graphs.ts'
import type { StepGraphs } from './step.ts'
import type { TrainingWork, WorkDone } from './training-work.ts'

export interface StagesOptions extends StageGraphsOptions {
  readonly saliency?: (row: number) => Float32Array
  readonly onWork?: (work: TrainingWork) => void
  readonly signal?: AbortSignalLike
  readonly steps: number
}

/** The stages of a training, one after another; only graphs of the current one are loaded. */
export interface Stages extends AsyncDisposable {
  /** @param step from 0 */
  at(step: number): Promise<{ readonly stage: string; readonly graphs: StepGraphs }>
}

const whole: readonly [Stage] = [{ name: 'all', share: 1, learns: 'all' }]

export function stagesOf(options: StagesOptions): Stages {
  const stages = options.soft?.method.training?.stages ?? whole
  const shares = stages.reduce((sum, { share }) => sum + share, 0)
  let done = 0
  const ends = stages.map(({ share }) => {
    done += share
    return Math.round((options.steps * done) / shares)
  })
  let open: { readonly index: number; readonly graphs: StageGraphs } | undefined
  const close = async (): Promise<void> => {
    const last = open
    open = undefined
    await last?.graphs[Symbol.asyncDispose]()
  }
  // Computed once, and only if a stage reads it.
  let known: Promise<(row: number) => Float32Array> | undefined
  const saliency = async (): Promise<(row: number) => Float32Array> => {
    if (options.saliency !== undefined) return options.saliency
    const { model, runtime, inputs, soft, signal, onWork, settings } = options
    const encoder = { ...(soft?.encoder !== undefined && { encoder: soft.encoder }), layer: saliencyLayer(options) }
    const onProgress = (at: WorkDone): void => onWork?.({ task: 'saliency', ...at })
    const watched = { ...(signal && { signal }), onProgress }
    known ??= saliencyOf({ model, runtime, inputs, answer: settings.answer, ...encoder, ...watched })
    return await known
  }
  return {
    async at(step) {
      const index = Math.max(
        0,
        ends.findIndex((end) => step < end),
      )
      const stage = stages[index] as Stage
      if (open?.index !== index) {
        await close()
        open = { index, graphs: stageGraphs(stage, options, saliency) }
      }
      return { stage: stage.name, graphs: open.graphs }
    },
    [Symbol.asyncDispose]: close,
  }
}

/** The layer at whose input the saliency for a method is taken. */
function saliencyLayer({ model, soft }: StagesOptions): number {
  if (soft?.method.training?.saliencyAt !== 'end') return 0
  // After the last layer only the answer itself follows.
  return Math.min(Math.min(...soft.layers) + 1, encoderOf(model, soft).layers.length - 1)
}
