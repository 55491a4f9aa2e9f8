import { readFileSync } from 'node:fs'
import {
  type ConstantData,
  cast,
  constantData,
  evaluate,
  gatherElements,
  input,
  logSoftmax,
  mean,
  neg,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from '@tp/core'
import { modelPath } from '@tp/models'
import { decodeModel, emitModel, Graph, lift } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { gradients } from '../src/index.ts'

interface Trainable {
  readonly loss: Tensor
  /** By name, the weights as inputs of the expression and their values. */
  readonly weights: ReadonlyMap<string, { readonly tensor: Tensor; readonly value: ConstantData }>
}

/** An encoder's cross-entropy, with those of its weights as inputs that are floats of more than one element. */
function crossEntropy(path: string): Trainable {
  const graph = new Graph(decodeModel(readFileSync(path)))
  const constants = lift(graph)
  const weights = new Map<string, { tensor: Tensor; value: ConstantData }>()
  for (const { name } of graph.initializers) {
    const value = constantData(constants.tensor(name))
    if (value === undefined || value.dtype !== 'float32' || value.data.length === 1) continue
    weights.set(name, { tensor: input(name, 'float32', value.dims), value })
  }
  const lifted = lift(graph, { overrides: new Map([...weights].map(([name, { tensor }]) => [name, tensor])) })
  const logits = lifted.tensor('logits')
  const labels = input('labels', 'int64', [logits.dims[0] as string])
  const own = gatherElements(logSoftmax(logits), unsqueeze(cast(labels, 'int64'), 1), 1)
  return { loss: neg(mean(own, [0, 1])), weights }
}

const ids = [
  [2, 300, 417, 58, 901, 3],
  [2, 77, 3, 0, 0, 0],
]
const data: Record<string, TensorLike> = {
  input_ids: { type: 'int64', dims: [2, 6], data: BigInt64Array.from(ids.flat(), BigInt) },
  attention_mask: { type: 'int64', dims: [2, 6], data: BigInt64Array.from(ids.flat(), (id) => BigInt(Number(id > 0))) },
  labels: { type: 'int64', dims: [2], data: BigInt64Array.of(1n, 0n) },
}

test('mail: gradients of 50 weights are those of central differences, and a runtime computes the same', {
  timeout: 120_000,
}, async () => {
  const { loss, weights } = crossEntropy(modelPath('mail'))
  const names = [...weights.keys()]
  const tensors = [...weights.values()].map(({ tensor }) => tensor)
  const found = gradients(loss, tensors)
  const feeds = (values: ReadonlyMap<string, TensorLike['data']> = new Map()): Record<string, TensorLike> => ({
    ...data,
    ...Object.fromEntries(
      [...weights].map(([name, { value }]) => [
        name,
        { type: 'float64', dims: value.dims, data: values.get(name) ?? Float64Array.from(value.data) },
      ]),
    ),
  })
  const exact = evaluate(found, feeds(), { precision: 'float64' }).map(({ data }) => data as Float64Array)

  let state = 7
  const random = (below: number): number => {
    state = (state * 48271) % 2147483647
    return state % below
  }
  for (let i = 0; i < 50; i++) {
    const which = random(names.length)
    const name = names[which] as string
    const own = Float64Array.from((weights.get(name) as { value: ConstantData }).value.data)
    // Rows of the embeddings that no text has are 0 on both sides; the first ones are not.
    const at = random(own.length)
    const lossAt = (by: number): number => {
      const moved = own.with(at, (own[at] as number) + by)
      const [{ data }] = evaluate([loss], feeds(new Map([[name, moved]])), { precision: 'float64' }) as [TensorLike]
      return Number(data[0])
    }
    const expected = (lossAt(1e-4) - lossAt(-1e-4)) / 2e-4
    expect(Math.abs((exact[which]?.[at] as number) - expected), `${name} ${at}`).toBeLessThan(
      1e-7 + 1e-4 * Math.abs(expected),
    )
  }

  const file = emitModel(
    Object.fromEntries([['loss', loss], ...found.map((gradient, i) => [`gradient.${i}`, gradient])]),
  )
  await using session = await nodeRuntime().load(file, { threads: 1 })
  const floats = Object.fromEntries(
    [...weights].map(([name, { value }]) => [
      name,
      { type: 'float32', dims: value.dims, data: Float32Array.from(value.data) },
    ]),
  )
  const outputs = await session.run({ ...data, ...floats })
  let largest = 0
  for (const [i, gradient] of exact.entries()) {
    const own = outputs[`gradient.${i}`]?.data as Float32Array
    const scale = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    for (const [j, value] of gradient.entries())
      largest = Math.max(largest, Math.abs((own[j] as number) - value) / Math.max(scale, 1e-6))
  }
  expect(largest).toBeLessThan(1e-3)
})
