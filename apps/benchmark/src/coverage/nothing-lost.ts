import { type Inspection, prune, transform } from '@tp/compiler'
import { none, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { dataSets, difference, type Fixture, fullPrecision, numbers, openModel } from 'exported-encoders'

/** Largest difference of any output, and what is wrong with it. */
export interface LossFindings {
  readonly difference: number
  readonly problems: readonly string[]
}

/** Half precision keeps three digits; elsewhere only the order of sums differs. */
const limits = { half: 5e-3, other: 1e-5 }

/** Computation that no output reads is removed: nothing may change. */
export async function checkDeadTokens(fixture: Fixture, model: Model): Promise<LossFindings> {
  const lean = transform(model, prune({ method: none(), schedule: new Map() }))
  const sets = dataSets(fixture).map(({ inputs }) => inputs)
  return judge('removing dead tokens', await compare(fixture, model, lean.model, sets), limitOf(fixture))
}

/** Every token kept by force, at every layer, with dead tokens kept: nothing may change. */
export async function checkKeepAll(fixture: Fixture, model: Model, seen: Inspection): Promise<LossFindings> {
  const layers = seen.layers.map(({ layer }) => layer)
  const everything = schedule(layers.length, { layers, tokens: 9999 })
  const kept = transform(model, prune({ deadTokens: false, method: receivedAttention(), schedule: everything }))
  const sets = dataSets(fixture).map(({ inputs }) => inputs)
  return judge('keeping every token', await compare(fixture, model, kept.model, sets), limitOf(fixture))
}

/**
 * Tokens that the mask hides, all over the row, are pruned at the first layer: nothing may change either, and what a token's
 * position means (tables, biases, rotations) has to travel with the kept tokens. Undefined where the graph has no mask for
 * each token, does not obey it, rounds by what is in the batch, or gives something for hidden tokens, too.
 */
export async function checkHidden(fixture: Fixture, model: Model, seen: Inspection): Promise<LossFindings | undefined> {
  const [set] = dataSets(fixture)
  const { maskInput, outputKind } = fixture.facts
  if (set === undefined || maskInput === null || outputKind === 'token-level') return undefined
  if (fullPrecision(model) !== undefined) return undefined
  const mask = set.inputs[maskInput] as TensorLike
  if (mask.type !== 'int64' || mask.dims.join() !== set.inputs.input_ids?.dims.join()) return undefined
  const protectedTokens = new Set(
    seen.protectedTokens.map((position) => (position < 0 ? position + (mask.dims[1] as number) : position)),
  )
  for (const isAttended of [
    (token: number) => token % 3 !== 1 || protectedTokens.has(token),
    (token: number) => token % 12 < 7,
  ]) {
    const inputs = { ...set.inputs, [maskInput]: maskWhere(mask, isAttended) }
    if (!(await obeys(fixture, model, inputs, maskInput))) continue
    const count = Array.from({ length: mask.dims[1] as number }, (_, token) => token).filter(isAttended).length
    const attended = schedule(seen.layers.length, { layers: [0], tokens: count })
    const options = { deadTokens: false, method: receivedAttention(), schedule: attended }
    const { model: small } = transform(model, prune(options))
    const difference = await compare(fixture, model, small, [inputs])
    return judge('dropping hidden tokens', difference, limitOf(fixture))
  }
  return undefined
}

function maskWhere({ dims }: TensorLike, isAttended: (token: number) => boolean): TensorLike {
  const [batch = 0, tokens = 0] = dims
  const data = BigInt64Array.from({ length: batch * tokens }, (_, i) => (isAttended(i % tokens) ? 1n : 0n))
  return { type: 'int64', dims, data }
}

/** True if hidden tokens have no part in what the other tokens, and the pooled outputs, become. */
async function obeys(fixture: Fixture, model: Model, inputs: NamedTensors, maskInput: string): Promise<boolean> {
  const ids = inputs.input_ids as TensorLike
  const mask = numbers(inputs[maskInput])
  // words are swapped with each other, so that none becomes padding
  const words = Array.from(ids.data as BigInt64Array)
  const hidden = mask.flatMap((real, i) => (real === 0 ? [i] : []))
  const others = [...words]
  for (const [i, at] of hidden.entries()) others[at] = words[hidden[(i + 1) % hidden.length] as number] as bigint
  await using session = await openModel(model, fixture.folder)
  const [a, b] = [
    await session.run(inputs),
    await session.run({ ...inputs, input_ids: { ...ids, data: BigInt64Array.from(others) } }),
  ]
  return Object.keys(a).every((name) => difference(numbers(a[name]), numbers(b[name])) < 1e-5)
}

async function compare(fixture: Fixture, model: Model, other: Model, sets: readonly NamedTensors[]): Promise<number> {
  await using dense = await openModel(model, fixture.folder)
  await using session = await openModel(other, fixture.folder)
  let largest = 0
  for (const inputs of sets) {
    const [expected, results] = [await dense.run(inputs), await session.run(inputs)]
    for (const name of Object.keys(expected)) {
      largest = Math.max(largest, difference(numbers(results[name]), numbers(expected[name])))
    }
  }
  return largest
}

function judge(what: string, difference: number, limit: number): LossFindings {
  return { difference, problems: difference < limit ? [] : [`${what} changes outputs by ${difference}`] }
}

function limitOf({ facts }: Fixture): number {
  const post = (facts.producerOptions.post ?? []).map((step) => step.post).join()
  return post.includes('float16') ? limits.half : limits.other
}
