import { flopsFormula, type PruneOptions, prune, transform } from '@tp/compiler'
import { none, schedule, TpError } from '@tp/core'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { entries } from '../methods.ts'
import type { PrunedSetting, Setting } from './settings.ts'
import type { MeasuredSubject } from './subject.ts'

/** The model that a setting makes of a subject. */
interface Prepared {
  readonly model: Model
  readonly inputs: ModelInputs
  /** Tokens that enter it, by example. */
  readonly lengths: readonly number[]
  /** The length that texts are cut to. */
  readonly maxTokens?: number
}

/** @param extra further outputs of a pruned model: which tokens are kept */
export async function prepare(
  subject: MeasuredSubject,
  setting: Setting,
  extra: Pick<PruneOptions, 'trace'> = {},
): Promise<Prepared> {
  const { model, inputs, lengths } = subject
  switch (setting.kind) {
    case 'dense':
      return { model, inputs, lengths }
    case 'none':
      return { model: withoutDeadTokens(model), inputs, lengths }
    case 'pruned':
      return { model: pruned(subject, setting, extra), inputs, lengths }
    case 'truncated': {
      const dense = withoutDeadTokens(model)
      const like = pruned(subject, { kind: 'pruned', method: setting.like, budget: setting.budget })
      const maxTokens = lengthOfEqualCost(dense, lengths, totalFlops(like, lengths))
      const cut = await subject.truncated(maxTokens)
      return { model: dense, inputs: cut, lengths: cut.lengths as readonly number[], maxTokens }
    }
  }
}

function pruned({ model, layers }: MeasuredSubject, { method: name, seed, budget }: PrunedSetting, extra = {}): Model {
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) throw new TpError('TP_METHOD', 'benchmark', `there is no method ${name}`)
  const method = entry.create(seed === undefined ? {} : { seed })
  return transform(model, prune({ method, schedule: schedule(layers, budget), restore: 'none', ...extra })).model
}

function withoutDeadTokens(model: Model): Model {
  return transform(model, prune({ method: none(), schedule: new Map() })).model
}

/**
 * The greatest length to cut texts to, so that a model takes at most the given multiply-adds for all of them, one by
 * one: what a user without token pruning would do for the same cost.
 * @param lengths tokens of each text
 */
export function lengthOfEqualCost(model: Model, lengths: readonly number[], allowed: number): number {
  const cost = costOf(model)
  const total = (limit: number): number => lengths.reduce((sum, length) => sum + cost(Math.min(length, limit)), 0)
  // the special tokens at both ends and one of text
  let [low, high] = [3, Math.max(...lengths)]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (total(middle) <= allowed) low = middle
    else high = middle - 1
  }
  return low
}

/** Multiply-adds of a model for all examples, one by one. */
export function totalFlops(model: Model, lengths: readonly number[]): number {
  const cost = costOf(model)
  return lengths.reduce((sum, tokens) => sum + cost(tokens), 0)
}

/** Multiply-adds for one example by its tokens, each length worked out once. */
function costOf(model: Model): (tokens: number) => number {
  const formula = flopsFormula(model)
  const known = new Map<number, number>()
  return (tokens) => {
    const flops = known.get(tokens) ?? formula({ batch: 1, tokens })
    known.set(tokens, flops)
    return flops
  }
}
