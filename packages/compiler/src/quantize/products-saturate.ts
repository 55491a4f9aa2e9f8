import type { NamedTensors } from '@tp/core/runtime'
import { createModel, createNode, Graph, type Model } from '@tp/onnx'

/** Two weights and two activations, as large as 8 bits can be. */
const [WEIGHT, ACTIVATION] = [127, 255]

/**
 * Whether sums of 8-bit products saturate where `run` computes. x86 without VNNI or AMX adds two of them in 16 bits (`VPMADDUBSW`), and
 * onnxruntime takes what comes out: a file with weights of type int8 then answers less exactly than elsewhere. Weights of 7 bits
 * (`reduceRange`) and those without a sign (`uint8`) are exact everywhere.
 * @param run one run of a model
 */
export async function productsSaturate(
  run: (model: Model, inputs: NamedTensors) => Promise<NamedTensors>,
): Promise<boolean> {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('a', 'uint8', [1, 2])
  graph.addInitializer('b', { type: 'int8', dims: [2, 1], data: Int8Array.of(WEIGHT, WEIGHT) })
  graph.insert([createNode({ type: 'MatMulInteger', name: 'product', inputs: ['a', 'b'], outputs: ['y'] })])
  graph.addOutput('y', 'int32', [1, 1])
  const a = { type: 'uint8', dims: [1, 2], data: Uint8Array.of(ACTIVATION, ACTIVATION) }
  const { y } = await run(model, { a })
  return y?.data[0] !== 2 * WEIGHT * ACTIVATION
}
