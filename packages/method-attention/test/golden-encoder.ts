import {
  type Amount,
  add,
  cast,
  evaluate,
  gather,
  gatherND,
  gelu,
  layerNormalization,
  type Method,
  matmul,
  mul,
  reshape,
  softmax,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { withUnification } from '@tp/core/expression'
import { initialState, reduceTokens } from '@tp/core/host'
import type { TensorLike } from '@tp/core/runtime'
import { arrayOf, type GoldenCase, lists, rowOf, tensorOf } from '@tp/core/testing'

/** The kept tokens of one example after one layer. */
export interface LayerResult {
  /** Original places, in order. */
  readonly kept: readonly number[]
  /** By original place: the token's state after the layer. */
  readonly hidden: Readonly<Record<number, readonly number[]>>
}

export interface GoldenEncoderOptions {
  readonly method: Method
  /** Layers of the case that are run, and how much each keeps. */
  readonly plan: readonly { readonly layer: number; readonly amount?: Amount | undefined }[]
  readonly protectedTokens: readonly number[]
  /** False: padding is masked in attention, but the method takes it for real, as some authors' code does. */
  readonly paddingIsKnown: boolean
}

/** Runs example `row` of a case that holds a small BERT (its layers are named l0_query_weight …). */
export function runGoldenEncoder(golden: GoldenCase, row: number, options: GoldenEncoderOptions): LayerResult[] {
  // the case has numbers where the host has names: 1 and B, 9 and N
  return withUnification(
    (size) => size,
    () => run(golden, row, options),
  )
}

function run(golden: GoldenCase, row: number, options: GoldenEncoderOptions): LayerResult[] {
  const { method, plan, protectedTokens, paddingIsKnown } = options
  const heads = golden.params.heads as number
  const epsilon = golden.params.ln_eps as number
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, name))
  const linear = (x: Tensor, name: string): Tensor =>
    add(matmul(x, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
  const norm = (x: Tensor, name: string): Tensor =>
    layerNormalization(x, weight(`${name}_weight`), weight(`${name}_bias`), epsilon)

  const valid = rowOf(arrayOf(golden.inputs, 'valid'), row)
  const isAttended = cast(tensorOf(valid), 'bool')
  let hidden = tensorOf(rowOf(arrayOf(golden.inputs, 'hidden'), row))
  const width = hidden.dims[2] as number
  let state = initialState(hidden, paddingIsKnown ? isAttended : undefined, protectedTokens)
  let visible = isAttended
  const outputs: Record<string, Tensor> = {}
  for (const [i, { layer, amount }] of plan.entries()) {
    const split = (name: string): Tensor =>
      transpose(reshape(linear(hidden, `l${layer}_${name}`), [1, -1, heads, width / heads]), [0, 2, 1, 3])
    const [query, key, value] = [split('query'), split('key'), split('value')]
    const bias = unsqueeze(where(visible, 0, -1e9), [1, 2])
    const attend = (rows: Tensor): Tensor =>
      softmax(add(mul(matmul(rows, swapLast(key)), 1 / Math.sqrt(width / heads)), bias))
    const attention = attend(query)
    const context = reshape(transpose(matmul(attention, value), [0, 2, 1, 3]), [1, -1, width])
    hidden = norm(add(linear(context, `l${layer}_attn_out_dense`), hidden), `l${layer}_attn_out_LayerNorm`)
    const source = {
      layer: i,
      layerCount: plan.length,
      hidden,
      query: () => query,
      key: () => key,
      value: () => value,
      attention: () => attention,
      attentionFrom: (): Tensor => attend(unsqueeze(gather(query, 0, 2), 2)),
      classToken: () => 0,
    }
    const reduced = reduceTokens({ method, source, state, amount })
    state = reduced.state
    if (reduced.cut !== undefined) {
      hidden = reduced.cut.take(hidden)
      visible = gatherND(visible, reduced.cut.indices, 1)
      if (state.attended !== undefined) visible = state.attended
    }
    const inner = gelu(linear(hidden, `l${layer}_ffn1`))
    hidden = norm(add(linear(inner, `l${layer}_ffn2`), hidden), `l${layer}_ffn_ln`)
    Object.assign(outputs, { [`hidden_${i}`]: hidden, [`position_${i}`]: state.position, [`visible_${i}`]: visible })
  }
  const results = evaluate(outputs, {}, { precision: 'float64' })
  return plan.map((_, i) => {
    const of = (name: string): number[] => lists(results[`${name}_${i}`] as TensorLike)[0] ?? []
    const [position, isVisible, states] = [of('position'), of('visible'), of('hidden')]
    const slots = position.map((_, slot) => slot).filter((slot) => isVisible[slot] === 1)
    const at = (slot: number): number[] => states.slice(slot * width, (slot + 1) * width)
    return {
      kept: slots.map((slot) => position[slot] as number),
      hidden: Object.fromEntries(slots.map((slot) => [position[slot] as number, at(slot)])),
    }
  })
}

/** Rows [width] of an array [B,N,width], of example `row`. */
export function statesOf(golden: GoldenCase, name: string, row: number): number[][] {
  const { shape, data } = rowOf(arrayOf(golden.outputs, name), row)
  const width = shape[2] as number
  return Array.from({ length: shape[1] as number }, (_, i) => data.slice(i * width, (i + 1) * width))
}
