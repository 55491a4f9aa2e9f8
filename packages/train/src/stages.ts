import type { Runtime, Stage } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { Settings } from './settings.ts'
import { softFeeds } from './soft-inputs.ts'
import type { StepGraph } from './step.ts'
import { type SoftMethod, trainingGraph } from './training-graph.ts'
import type { Weights } from './weights.ts'

export interface StagesOptions {
  readonly model: Model
  readonly runtime: Runtime
  readonly soft?: SoftMethod
  readonly saliency?: (row: number) => Float32Array
  readonly settings: Settings
  /** Weights of the model that may learn. */
  readonly own: Weights
  /** What the method learns. */
  readonly learning: Weights
  readonly steps: number
}

/** The graph of a step in its stage. */
interface StageGraph extends StepGraph {
  readonly classes: number | undefined
}

/** The stages of a training, one after another; only the graph of the present one is loaded. */
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
  return {
    async at(step) {
      const index = Math.max(
        0,
        ends.findIndex((end) => step < end),
      )
      const stage = stages[index] as Stage
      if (open?.index !== index) {
        await close()
        open = { index, graph: await load(stage, options) }
      }
      return { stage: stage.name, graph: open.graph }
    },
    [Symbol.asyncDispose]: close,
  }
}

async function load(stage: Stage, { model, runtime, soft, saliency, settings, own, learning }: StagesOptions) {
  const weights: Weights = new Map([...own, ...learning])
  const moving = stage.learns === 'all' ? weights : learning
  const graph = trainingGraph(model, weights, settings, soft && { ...soft, stage }, [...moving.keys()])
  const session = await runtime.load(graph.bytes, { threads: 1 })
  const { copies = 1, lowest = 0.5 } = soft?.method.training ?? {}
  const given = { ...graph, declared: session.inputs, copies, lowest, saliency }
  return {
    session,
    classes: graph.classes,
    learning: [...moving.keys()],
    copies,
    extra: (feeds, rows, step) => softFeeds(feeds, rows, settings.seed * 1_000_003 + step, given),
  } satisfies StageGraph
}
