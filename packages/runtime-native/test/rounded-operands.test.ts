// Operands of attention that are rounded by QuantizeLinear and DequantizeLinear before their axes are moved.
import { readFileSync } from 'node:fs'
import { pack, transform } from '@tp/compiler'
import type { TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { difference, numbers } from 'exported-encoders'
import { expect, test } from 'vitest'
import { nativeRuntime } from '../src/index.ts'
import { describeNative } from './native.ts'

describeNative('a packed model with rounded operands of attention', () => {
  test('gives the same answers by functions, by kernels and unpacked', async () => {
    const rounded = withRoundedHeads(decodeModel(readFileSync(modelPath('mail'))))
    const { model, reports } = transform(rounded, pack())
    expect(reports[0].attentions).toBe(6)
    const expected = await answers(nodeRuntime(), rounded)
    expect(difference(await answers(nativeRuntime(), model), expected)).toBeLessThan(1e-4)
    expect(difference(await answers(nodeRuntime(), model), expected)).toBeLessThan(1e-4)
  })
})

/** A model whose queries, keys and values are rounded to 8 bits before they are divided among heads. */
function withRoundedHeads(model: Model): Model {
  const graph = new Graph(model)
  const scale = graph.uniqueName('step')
  const zero = graph.uniqueName('zero')
  graph.addInitializer(scale, { type: 'float32', dims: [], data: Float32Array.of(0.05) })
  graph.addInitializer(zero, { type: 'uint8', dims: [], data: Uint8Array.of(128) })
  for (const node of [...graph.nodes].filter(({ opType }) => opType === 'Transpose')) {
    const [x = ''] = node.input
    const [quantized, dequantized] = [graph.uniqueName(`${x}/q`), graph.uniqueName(`${x}/dq`)]
    graph.insert(
      [
        createNode({ type: 'QuantizeLinear', inputs: [x, scale, zero], outputs: [quantized] }),
        createNode({ type: 'DequantizeLinear', inputs: [quantized, scale, zero], outputs: [dequantized] }),
      ],
      node,
    )
    graph.replaceInput(node, 0, dequantized)
  }
  return model
}

async function answers(runtime: ReturnType<typeof nodeRuntime>, model: Model): Promise<number[]> {
  await using session = await runtime.load(encodeModel(model))
  const [rows, length] = [3, 24]
  const of = (contents: (row: number, n: number) => number): TensorLike => ({
    type: 'int64',
    dims: [rows, length],
    data: BigInt64Array.from({ length: rows * length }, (_, i) => BigInt(contents(Math.floor(i / length), i % length))),
  })
  const isReal = (row: number, n: number): number => Number(n < ([24, 9, 15][row] as number))
  const all: Record<string, TensorLike> = {
    input_ids: of((row, n) => isReal(row, n) * (5 + ((row * 31 + n * 17) % 200))),
    attention_mask: of(isReal),
    token_type_ids: of(() => 0),
  }
  const feeds = Object.fromEntries(session.inputs.map(({ name }) => [name, all[name] as TensorLike]))
  return numbers(Object.values(await session.run(feeds))[0])
}
