import { flopsFormula, type PruneOptions, pruneOrThrow } from '@tp/compiler'
import { type Method, none, type Schedule } from '@tp/core'
import { keptCount } from '@tp/core/host'
import { keptFractions } from '@tp/eval/metrics'
import { encodeModel, type Model } from '@tp/onnx'
import type { Subject } from './subject.ts'

/** A model as it is run, with what is known of it before it runs. */
export interface Variant {
  readonly file: Uint8Array
  readonly model: Model
  /** Mean over layers and examples of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number
}

export function dense(subject: Subject): Variant {
  return { file: subject.file, model: subject.model, kept: 1 }
}

/** The subject's model with a method in it, or with dead-token elimination alone where the schedule is empty. */
export function pruned(subject: Subject, method: Method, schedule: Schedule): Variant {
  const model = prunedModel(subject.model, { method, schedule }, subject.name)
  return { file: encodeModel(model), model, kept: keptShare(subject, schedule) }
}

/** A model with its pruning. @throws TpError with the code of a refusal, and what the model is called */
export function prunedModel(model: Model, options: PruneOptions, name: string): Model {
  return pruneOrThrow(model, options, `benchmark, ${name}`).model
}

export function withoutDeadTokens(subject: Subject): Variant {
  return pruned(subject, none(), new Map())
}

/** From the schedule alone: it gives counts, whatever the scores are. */
function keptShare({ lengths, layerCount }: Subject, schedule: Schedule): number {
  let left = lengths
  const counts = new Map<number, readonly number[]>()
  for (const [layer, amount] of [...schedule].sort(([a], [b]) => a - b)) {
    left = left.map((count) => keptCount(count, amount) ?? count)
    counts.set(layer, left)
  }
  return keptFractions(counts, lengths, layerCount).mean
}

/** Multiply-adds of a model for all examples, one by one. */
export function totalFlops(model: Model, lengths: readonly number[]): number {
  const formula = flopsFormula(model)
  const byLength = new Map<number, number>()
  let total = 0
  for (const tokens of lengths) {
    const flops = byLength.get(tokens) ?? formula({ batch: 1, tokens })
    byLength.set(tokens, flops)
    total += flops
  }
  return total
}
