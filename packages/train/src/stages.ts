import { type Stage, TpError } from '@tp/core'
import type { AbortSignalLike, Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import type { Model } from '@tp/onnx'
import { type SaliencyOptions, saliencyOf } from './saliency.ts'
import type { Settings } from './settings.ts'
import { encoderOf } from './sizes.ts'
import { softFeeds } from './soft-inputs.ts'
import type { StepGraph } from './step.ts'
import { names, type SoftMethod, trainingGraph } from './training-graph.ts'
import type { Weights } from './weights.ts'

export interface StagesOptions {
  readonly model: Model
  readonly runtime: Runtime
  readonly soft?: SoftMethod
  readonly inputs: ModelInputs
  readonly saliency?: (row: number) => Float32Array
  readonly onSaliency?: SaliencyOptions['onProgress']
  readonly signal?: AbortSignalLike
  readonly settings: Settings
  /** Weights of the model that may learn. */
  readonly own: Weights
  /** What the method learns. */
  readonly learning: Weights
  readonly steps: number
}

/** The graph of a step in a stage. */
interface StageGraph extends StepGraph {
  /** Number of classes of the model; all labels are among them. */
  readonly classes: number | undefined
}

/** The stages of a training, one after another; only the graph of the current one is loaded. */
export interface Stages extends AsyncDisposable {
  /** @param step from 0 */
  at(step: number): Promise<{ readonly stage: string; readonly graph: StageGraph }>
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
  let open: { readonly index: number; readonly graph: StageGraph } | undefined
  const close = async (): Promise<void> => {
    const last = open
    open = undefined
    await last?.graph.session[Symbol.asyncDispose]()
  }
  // Computed once, and only if a stage reads it.
  let known: Promise<(row: number) => Float32Array> | undefined
  const saliency = async (): Promise<(row: number) => Float32Array> => {
    if (options.saliency !== undefined) return options.saliency
    const { model, runtime, inputs, soft, signal, onSaliency, settings } = options
    const encoder = { ...(soft?.encoder !== undefined && { encoder: soft.encoder }), layer: saliencyLayer(options) }
    const watched = { ...(signal && { signal }), ...(onSaliency && { onProgress: onSaliency }) }
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
        open = { index, graph: await load(stage, options, saliency) }
      }
      return { stage: stage.name, graph: open.graph }
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

async function load(
  stage: Stage,
  { model, runtime, soft, inputs: examples, settings, own, learning }: StagesOptions,
  saliency: () => Promise<(row: number) => Float32Array>,
) {
  const weights: Weights = new Map([...own, ...learning])
  const moving = stage.learns === 'all' ? weights : learning
  const graph = trainingGraph(model, weights, settings, soft && { ...soft, stage }, [...moving.keys()])
  const session = await runtime.load(graph.bytes, { threads: 1 })
  if (session.inputs.some(({ name }) => name === names.labels)) checkTargets(examples, graph.classes)
  const { copies = 1, lowest = 0.5 } = soft?.method.training ?? {}
  // Inputs of the soft form that the stage's loss depends on.
  const inputs = graph.inputs.filter(({ name }) => session.inputs.some((own) => own.name === name))
  const looks = inputs.some(({ kind }) => kind === 'saliency')
  const { tokens, classes } = graph
  const given = {
    inputs,
    tokens,
    declared: session.inputs,
    copies,
    lowest,
    saliency: looks ? await saliency() : undefined,
  }
  return {
    session,
    classes,
    learning: [...moving.keys()],
    copies,
    extra: (feeds, rows, step) => softFeeds(feeds, rows, settings.seed * 1_000_003 + step, given),
  } satisfies StageGraph
}

function checkTargets({ targets, source }: ModelInputs, classes = Number.POSITIVE_INFINITY): void {
  const at = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (at < 0) return
  const seen = `example ${at} has class ${targets[at]}, but the model has ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'train', `${source}: ${seen}`)
}
