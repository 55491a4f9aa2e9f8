import { type Stage, TpError } from '@tp/core'
import { pause, type Runtime, type Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { Aim } from './aim.ts'
import { names } from './names.ts'
import type { Settings } from './settings.ts'
import { staticTokens } from './sizes.ts'
import { softFeeds } from './soft-inputs.ts'
import type { SoftMethod } from './soft-method.ts'
import type { PassGraph, StepGraphs } from './step.ts'
import { costGraph, trainingGraph } from './training-graph.ts'
import type { Weights } from './weights.ts'

export interface StageGraphsOptions {
  readonly model: Model
  readonly runtime: Runtime
  readonly soft?: SoftMethod
  readonly inputs: ModelInputs
  readonly settings: Settings
  /** Weights of the model that may learn. */
  readonly own: Weights
  /** The learned values of the method. */
  readonly learning: Weights
}

/** The graphs of a stage. */
export type StageGraphs = StepGraphs & AsyncDisposable

/** Graphs are loaded when they are first needed: short examples are never run in parts, long ones always. */
export function stageGraphs(
  stage: Stage,
  options: StageGraphsOptions,
  saliency: () => Promise<(row: number) => Float32Array>,
): StageGraphs {
  const { model, runtime, soft, inputs, settings, own, learning } = options
  const weights: Weights = new Map([...own, ...learning])
  const moving = [...(stage.learns === 'all' ? weights : learning).keys()]
  const { copies = 1, lowest = 0.5 } = soft?.method.training ?? {}
  const opened: Promise<Session>[] = []
  const load = async (bytes: Uint8Array): Promise<Session> => {
    const session = runtime.load(bytes, { threads: 1 })
    opened.push(session)
    return await session
  }
  const pass = async (isPart: boolean): Promise<PassGraph> => {
    const graph = trainingGraph(model, weights, settings, soft && { ...soft, stage, isPart }, moving)
    // Making the graph blocks the event loop, and so does loading it.
    await pause(undefined, 'train')
    const session = await load(graph.bytes)
    const isRead = ({ name }: { readonly name: string }): boolean => session.inputs.some((own) => own.name === name)
    if (isRead({ name: names.labels })) checkTargets(inputs, graph.classes)
    // Inputs of the soft form that the stage's loss depends on.
    const softInputs = graph.inputs.filter(isRead)
    const looks = softInputs.some(({ kind }) => kind === 'saliency')
    const softOptions = {
      inputs: softInputs,
      tokens: graph.tokens,
      declared: session.inputs,
      ...{ copies, lowest },
      saliency: looks ? await saliency() : undefined,
    }
    return {
      session,
      extra: (feeds, rows, step) => softFeeds(feeds, rows, settings.seed * 1_000_003 + step, softOptions),
    }
  }
  const aim = aimOf(stage, soft, settings.costWeight)
  const whole = once(() => pass(false))
  const costs = once(async () => await load(costGraph(model, weights, soft as SoftMethod)))
  return {
    ...{ learning: moving, copies, tokens: staticTokens(model, soft) },
    whole,
    // Without an aim the loss is a mean over the examples, whichever they are.
    part: aim === undefined ? whole : once(() => pass(true)),
    aim: aim && { ...aim, costs },
    async [Symbol.asyncDispose]() {
      for (const session of await Promise.allSettled(opened)) {
        if (session.status === 'fulfilled') await session.value[Symbol.asyncDispose]()
      }
    },
  }
}

/** For a stage whose loss depends on the share of the FLOPs: by its distance from the target, or as a policy's reward. */
function aimOf({ terms = {} }: Stage, soft: SoftMethod | undefined, weight: number): Aim | undefined {
  const { targetFlops: target, method } = soft ?? {}
  const term = terms.cost ?? 1
  const isPolicy = (method?.training?.copies ?? 1) > 1 && terms.policy !== 0
  return target === undefined || (term === 0 && !isPolicy) ? undefined : { target, weight, term }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

function checkTargets({ targets, source }: ModelInputs, classes = Number.POSITIVE_INFINITY): void {
  const at = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (at < 0) return
  const seen = `example ${at} has class ${targets[at]}, but the model has ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'train', `${source}: ${seen}`)
}
