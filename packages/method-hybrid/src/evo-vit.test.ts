import {
  add,
  concat,
  constant,
  evaluate,
  expand,
  gather,
  gelu,
  input,
  layerNormalization,
  matmul,
  mean,
  mul,
  reshape,
  type Schedule,
  schedule,
  shape,
  slice,
  softmax,
  splitAxis,
  squeeze,
  swapLast,
  type Tensor,
  transpose,
} from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { arrayOf, expectClose, type GoldenCase, referenceEncoder, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { difference, int64, numbers, pruned, runModel } from '../test/exported.ts'
import { goldenCase } from '../test/golden.ts'
import { evoVit } from './index.ts'

const DEPTH = 12

/**
 * The encoder of a case as an exported file: `tokens` [b,n,D] → `feature`, `cls` [b,D], and with `states` also the stream
 * after each layer: `layer_0` … [b,1+n,D].
 */
function encoderOf(golden: GoldenCase, { states }: { readonly states: boolean }): Model {
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, name))
  const linear = (x: Tensor, name: string): Tensor =>
    add(matmul(x, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
  const norm = (x: Tensor, name: string): Tensor =>
    layerNormalization(x, weight(`${name}_weight`), weight(`${name}_bias`), golden.params.ln_eps as number)
  const heads = golden.params.heads as number
  const width = arrayOf(golden.inputs, 'tokens').shape[2] as number
  const split = (x: Tensor, parts: number): Tensor[] => {
    const apart = transpose(reshape(x, [0, -1, parts, heads, width / heads]), [2, 0, 3, 1, 4])
    return splitAxis(
      apart,
      Array.from({ length: parts }, () => 1),
      0,
    ).map((part) => squeeze(part, [0]))
  }
  const patches = input('tokens', 'float32', ['batch', 'patches', width])
  const batch = shape(patches, { start: 0, end: 1 })
  const cls = expand(weight('cls_token'), concat([batch, constant([1, width], 'int64')], 0))
  let x = concat([cls, patches], 1)
  const layers: Record<string, Tensor> = {}
  for (let layer = 0; layer < DEPTH; layer++) {
    const normed = norm(x, `norms_${layer}`)
    const [query, key] = split(linear(normed, `qks_${layer}_qk`), 2) as [Tensor, Tensor]
    const [value] = split(linear(normed, `vs_${layer}_v`), 1) as [Tensor]
    const scores = mul(matmul(query, swapLast(key)), 1 / Math.sqrt(width / heads))
    const context = reshape(transpose(matmul(softmax(scores), value), [0, 2, 1, 3]), [0, -1, width])
    x = add(x, linear(context, `projs_${layer}`))
    const feedForward = linear(
      gelu(linear(norm(x, `blocks_${layer}_norm2`), `blocks_${layer}_mlp_fc1`)),
      `blocks_${layer}_mlp_fc2`,
    )
    x = add(x, feedForward)
    if (states) layers[`layer_${layer}`] = x
  }
  return decodeModel(
    emitModel({ feature: norm(mean(slice(x, { axis: 1, start: 1 }), 1), 'norm'), cls: gather(x, 0, 1), ...layers }),
  )
}

describe('goldens with tokens that skip layers 4 to 7 and 8 to 11', () => {
  for (const name of ['eval-0.7-0.4', 'eval-half', 'eval-prunecls']) {
    test(name, async () => {
      const golden = goldenCase(`evo_vit/${name}`)
      const tokens = arrayOf(golden.inputs, 'tokens')
      const [, patches = 0] = tokens.shape
      const {
        stage_keep_ratios: ratios,
        tradeoff,
        prunecls,
      } = golden.params as { stage_keep_ratios: number[]; tradeoff: number; prunecls: boolean }
      const kept = ratios.map((ratio) => Math.floor(patches * ratio + 1e-9))
      const schedule: Schedule = new Map(
        kept.map((count, stage) => [4 + 4 * stage, { kind: 'tokens', value: 1 + count }]),
      )
      const model = pruned(encoderOf(golden, { states: !prunecls }), {
        method: evoVit({ tradeoff }),
        schedule,
        trace: true,
        restore: prunecls ? 'none' : 'auto',
      })
      const inputs = { tokens: { type: 'float32', dims: tokens.shape, data: Float32Array.from(tokens.data) } }
      const outputs = await runModel(model, inputs)

      // rows keep the order of the stage before there
      const positions: number[][][] = []
      const orders = [0, 1].map((stage) => rowsOf(arrayOf(golden.outputs, `order_${stage}`)))
      for (const [stage, layer] of [4, 8].entries()) {
        const trace = outputs[`tp.trace.${layer}.indices`]
        const width = 1 + (kept[stage] as number)
        expect(trace?.dims[1]).toBe(width)
        positions[stage] = []
        for (const [row, order] of (orders[stage] ?? []).entries()) {
          const first = orders[0]?.[row] as readonly number[]
          const chosen = order
            .slice(0, kept[stage])
            .map((position) => 1 + (stage === 0 ? position : (first[position] as number)))
          const seen = numbers(trace).slice(row * width, (row + 1) * width)
          positions[stage].push([0, ...chosen])
          expect(seen, `row ${row}, layer ${layer}`).toEqual([0, ...sorted(chosen)])
        }
      }
      for (const what of ['feature', 'cls'])
        expectClose(numbers(outputs[what]), arrayOf(golden.outputs, what).data, what)
      if (prunecls) return
      for (let layer = 0; layer < DEPTH; layer++) {
        const output = `layer_${layer}`
        const states = outputs[output]
        const [, all = 0, size = 0] = states?.dims ?? []
        expect(all, `${output} is whole`).toBe(1 + patches)
        for (const [row, expected] of rowsOf(arrayOf(golden.outputs, output)).entries()) {
          const stage = Math.floor(layer / 4) - 1
          const tokens = stage < 0 ? Array.from({ length: all }, (_, i) => i) : (positions[stage]?.[row] as number[])
          const start = (token: number): number => (row * all + token) * size
          const seen = tokens.flatMap((token) => numbers(states).slice(start(token), start(token) + size))
          expectClose(seen, expected, `${output}, row ${row}`)
        }
      }
    })
  }
})

describe('a pruned file computes what the method says, wherever tokens are pruned and restored', () => {
  const size = { layerCount: 5, hidden: 16, heads: 4, classes: 3, seed: 7 }
  const [rows, longest] = [[11, 7, 4], 11]
  const values = Float32Array.from({ length: rows.length * longest * size.hidden }, (_, i) => 2 * Math.sin(7.13 * i))
  const x: TensorLike = { type: 'float32', dims: [rows.length, longest, size.hidden], data: values }
  const real = rows.flatMap((count) => Array.from({ length: longest }, (_, i) => (i < count ? 1 : 0)))
  const padded: NamedTensors = { x, mask: int64([rows.length, longest], real) }
  test.each([
    ['three times, with padding', { layers: [1, 2, 4], keep: [0.5, 0.4, 0.6] }, padded],
    ['once, without a mask', { layers: [2], tokens: 4 }, { x }],
    ['up to the head, with padding', { layers: [1, 3], remove: [3, 2] }, padded],
  ])('%s', async (_, amounts, inputs) => {
    const [mask, plan, method] = ['mask' in inputs, schedule(5, amounts), evoVit()]
    const model = decodeModel(emitModel({ logits: referenceEncoder(size, { mask }).logits }))
    const seen = await runModel(pruned(model, { method, schedule: plan, protect: [0] }), inputs)
    const { logits } = referenceEncoder(size, { mask, pruning: { method, schedule: plan, protectedTokens: [0] } })
    expect(difference(numbers(seen.logits), numbers(evaluate({ logits }, inputs).logits))).toBeLessThan(1e-5)
  })
})
