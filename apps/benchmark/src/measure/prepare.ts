import { readFile } from 'node:fs/promises'
import { flopsFormula, leaveOut, type PruneOptions, prune, transform } from '@tp/compiler'
import { isTpError, none } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { examplesFlops, keptCounts } from '@tp/train'
import { learnedPath } from '../files.ts'
import { methodOf, scheduleFor } from '../registry/methods.ts'
import type { MethodChoice, Setting, SettingBudget } from '../registry/settings.ts'
import type { MeasuredSubject } from './subject.ts'

/** The model that a setting makes of a subject. */
export interface Prepared {
  readonly model: Model
  readonly inputs: ModelInputs
  /** Tokens that enter it, by example. */
  readonly lengths: readonly number[]
  /** The length that texts are cut to. */
  readonly maxTokens?: number
}

/** @param extra further outputs of a pruned model: which tokens are kept, or what is watched for drift */
export async function prepare(
  subject: MeasuredSubject,
  setting: Setting,
  extra: Pick<PruneOptions, 'trace' | 'monitor'> = {},
): Promise<Prepared> {
  const { inputs, lengths } = subject
  const { model } = setting.int8 ? await subject.int8() : subject
  const whole = { inputs, lengths }
  switch (setting.kind) {
    case 'dense':
      return { model, ...whole }
    case 'none':
      return { model: withoutDeadTokens(model), ...whole }
    case 'pruned':
      return {
        model: pruned(subject, model, setting, setting.budget, { restore: setting.restore ?? 'none', ...extra }),
        ...whole,
      }
    case 'shallow': {
      const shallow = transform(model, leaveOut({ layers: setting.without })).model
      return { model: withoutDeadTokens(shallow), ...whole }
    }
    case 'learned': {
      const file = await readFile(learnedPath(`${setting.file}.${extra.trace ? 'traced.' : ''}onnx`))
      return { model: decodeModel(file), ...whole }
    }
    case 'truncated': {
      const dense = withoutDeadTokens(model)
      const like = setting.like === undefined ? { method: 'random', seed: 0 } : { method: setting.like }
      const allowed = totalFlops(pruned(subject, model, like, setting.budget), lengths)
      const maxTokens = lengthOfEqualCost(dense, lengths, allowed)
      const cut = await subject.truncated(maxTokens)
      return { model: dense, inputs: cut, lengths: cut.lengths as readonly number[], maxTokens }
    }
  }
}

function pruned(
  subject: MeasuredSubject,
  model: Model,
  choice: MethodChoice,
  budget: SettingBudget,
  extra = {},
): Model {
  const options = { method: methodOf(choice), schedule: scheduleFor(subject.layers, budget), ...extra }
  return transform(model, prune(options)).model
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

/**
 * Multiply-adds for all examples, one by one; where the data decide how many tokens are kept, the model is run. NaN where the
 * graph does not show them either.
 */
export async function flopsOf(
  runtime: Runtime,
  subject: MeasuredSubject,
  setting: Setting,
  { model, lengths, inputs }: Prepared,
): Promise<number> {
  const said = orNaN(() => totalFlops(model, lengths))
  if (!Number.isNaN(said)) return said
  const { model: traced } = await prepare(subject, setting, { trace: true })
  await using session = await runtime.load(encodeModel(traced), { threads: 1 })
  const counts = await keptCounts(session, inputs, batchSizeOf(inputs))
  return orNaN(() => examplesFlops(model, lengths, counts))
}

/** NaN for sizes that a graph does not say. */
function orNaN(count: () => number): number {
  try {
    return count()
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_SIZES') return Number.NaN
    throw error
  }
}

/** Of long texts more than two fall out of the processor's cache (8 together take 1.2 times as long as 8 alone). */
export function batchSizeOf({ lengths }: ModelInputs): number {
  return lengths === undefined ? 8 : 2
}
