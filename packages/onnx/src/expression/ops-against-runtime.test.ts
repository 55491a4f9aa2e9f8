import { type DType, evaluate, input, type Tensor } from '@tp/core'
import { isUnknown, operators, substituteDim } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import * as ort from 'onnxruntime-node'
import { expect, test } from 'vitest'
import type { Case } from '../../test/operator-cases/case-input.ts'
import { computing } from '../../test/operator-cases/computing.ts'
import { moving } from '../../test/operator-cases/moving.ts'
import { quantizedAndFused } from '../../test/operator-cases/quantized-and-fused.ts'
import { decodeModel } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { emitModel } from './emit-model.ts'
import { lift } from './lift.ts'

const opsets = [7, 9, 11, 13, 17, 18, 21, 23, 24, 25, 26]

const cases: Readonly<Record<string, Case>> = { ...computing, ...moving, ...quantizedAndFused }

/** No kernel: these are read for their shapes. */
const notCompared = [
  'RotaryEmbedding',
  'com.microsoft.Attention',
  'com.microsoft.DecoderMaskedMultiHeadAttention',
  'com.microsoft.DynamicQuantizeMatMul',
  'com.microsoft.EmbedLayerNormalization',
  'com.microsoft.GatherBlockQuantized',
  'com.microsoft.GroupQueryAttention',
  'com.microsoft.MatMulIntegerToFloat',
  'com.microsoft.MultiHeadAttention',
  'com.microsoft.QAttention',
  'com.microsoft.QEmbedLayerNormalization',
  'com.microsoft.RotaryEmbedding',
  'com.microsoft.SkipSimplifiedLayerNormalization',
  'com.microsoft.SparseAttention',
  'com.microsoft.nchwc.Conv',
  'com.microsoft.nchwc.ReorderInput',
  'com.microsoft.nchwc.ReorderOutput',
]

/** Opsets in which the runtime itself has no implementation of an operator, and says so; the interpreter is all there is. */
const notInRuntime: Readonly<Record<string, readonly number[]>> = { Swish: [25, 26] }

async function runByRuntime(bytes: Uint8Array, inputs: Case['inputs']): Promise<Record<string, TensorLike>> {
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  })
  try {
    const feeds: Record<string, ort.Tensor> = {}
    for (const [name, { array }] of Object.entries(inputs)) {
      feeds[name] = new ort.Tensor(array.type as 'float32', array.data as Float32Array, [...array.dims])
    }
    return (await session.run(feeds)) as unknown as Record<string, TensorLike>
  } finally {
    await session.release()
  }
}

test.each(Object.entries(cases))('%s agrees with the runtime at every opset', async (name, { from, inputs, build }) => {
  const tensors: Record<string, Tensor> = {}
  const named: Record<string, number> = {}
  for (const [name, { array, dims }] of Object.entries(inputs)) {
    tensors[name] = input(name, array.type as DType, dims)
    dims.forEach((dim, axis) => {
      if (typeof dim === 'string') named[dim] = array.dims[axis] as number
    })
  }
  const built = build(tensors)
  const results: readonly Tensor[] = Array.isArray(built) ? built : [built as Tensor]
  const outputs = Object.fromEntries(results.map((tensor, i) => [`y${i}`, tensor]))
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { array }]) => [name, array]))
  const computed = evaluate(outputs, feeds)

  for (const opset of opsets) {
    if (opset < from) {
      expect(() => emitModel(outputs, { opset })).toThrow(expect.objectContaining({ code: 'TP_OPSET' }))
      continue
    }
    const bytes = emitModel(outputs, { opset })
    if (notInRuntime[name]?.includes(opset) === true) {
      await expect(runByRuntime(bytes, inputs)).rejects.toThrow(`Could not find an implementation for ${name}`)
      continue
    }
    const expected = await runByRuntime(bytes, inputs)
    expectEqual(computed, expected, `opset ${opset}`)
    for (const [name, tensor] of Object.entries(outputs)) {
      const sizes = tensor.dims.map((dim, axis) =>
        isUnknown(dim) ? expected[name]?.dims[axis] : substituteDim(dim, named),
      )
      expect(sizes, `opset ${opset}`).toEqual(expected[name]?.dims)
    }

    const lifted = lift(new Graph(decodeModel(bytes)))
    expect(lifted.notes).toEqual([])
    const readBack = Object.fromEntries(Object.keys(outputs).map((name) => [name, lifted.tensor(name)]))
    expectEqual(evaluate(readBack, feeds), expected, `opset ${opset}, read back`)
  }
})

test('every operator with a kernel is compared', () => {
  const compared = new Set<string>()
  for (const { inputs, build } of Object.values(cases)) {
    const tensors = Object.entries(inputs).map(([name, { array, dims }]) => [
      name,
      input(name, array.type as DType, dims),
    ])
    const built = build(Object.fromEntries(tensors))
    for (const { node } of Array.isArray(built) ? built : [built]) {
      compared.add(node.op.name)
      for (const tensor of node.inputs) compared.add(tensor?.node.op.name ?? '')
    }
  }
  const left = [...operators.keys()].filter((name) => !compared.has(name)).sort()
  expect(left).toEqual(notCompared)
})

function expectEqual(results: Record<string, TensorLike>, expected: Record<string, TensorLike>, at: string): void {
  for (const [name, result] of Object.entries(results)) {
    const reference = expected[name] as TensorLike
    expect(result.type, at).toBe(reference.type)
    expect(result.dims, at).toEqual([...reference.dims])
    const [numbers, others] = [result, reference].map(({ data }) => Array.from(data as Float32Array, Number))
    others?.forEach((other, i) => {
      const number = numbers?.[i] as number
      if (Number.isNaN(other)) expect(number, at).toBeNaN()
      else expect(Math.abs(number - other), at).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(other)))
    })
  }
}
