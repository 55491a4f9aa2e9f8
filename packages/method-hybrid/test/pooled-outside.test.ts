import { type Method, schedule } from '@tp/core'
import { createNode, Graph, type Model, opset } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { aTome, evit, ltmp, pitome, tome } from '../src/index.ts'
import { difference, fixtureFolder, inputsOf, numbers, openFixture, pruned, runModel } from './exported.ts'

/** Those whose tokens are merged in the ways that there are: one into one, all into one, and dropped next to it. */
const merging: [Method, object][] = [
  [tome(), { layers: [0, 2], keep: 0.7 }],

  [pitome(), { layers: [1], keep: 0.7 }],
  [aTome(), { layers: [1, 2], keep: 0.8 }],
  [evit(), { layers: [0, 1], keep: 0.6 }],
  [ltmp(), { layers: [0, 1], threshold: 0.2 }],
]

describe('a mean outside counts merged tokens as one in the file does', () => {
  for (const name of ['bert-lasthidden-optimum', 't5-encoder-ts14']) {
    const folder = fixtureFolder(name)
    test.each(merging)(`${name}: $name`, async (method, amounts) => {
      const model = withMean(openFixture(folder))
      const inputs = Object.fromEntries(
        Object.entries(inputsOf(folder)).map(([input, tensor]) =>
          input.includes('mask')
            ? [input, { ...tensor, data: new BigInt64Array(tensor.data.length).fill(1n) }]
            : [input, tensor],
        ),
      )
      const options = { method, schedule: schedule(3, amounts), protect: [0] }
      const { last_hidden_state: states, pooled } = await runModel(pruned(model, options), inputs)
      const [batch = 0, count = 0, width = 0] = states?.dims ?? []
      const all = numbers(states)
      const means = Array.from({ length: batch * width }, (_, i) => {
        const [row, feature] = [Math.floor(i / width), i % width]
        const at = (token: number): number => all[(row * count + token) * width + feature] as number
        return Array.from({ length: count }, (_, token) => at(token)).reduce((a, b) => a + b) / count
      })
      expect(difference(means, numbers(pooled))).toBeLessThan(2e-5)
      const dense = await runModel(model, inputs)
      expect(difference(numbers(pooled), numbers(dense.pooled))).toBeGreaterThan(1e-4)
    })
  }
})

/** With another output: the mean of the states. */
function withMean(model: Model): Model {
  const graph = new Graph(model)
  const mean = { type: 'ReduceMean', name: '/pool', inputs: ['last_hidden_state'], outputs: ['pooled'] }
  // From opset 18 on axes are an input.
  if (opset(model) < 18) graph.insert([createNode({ ...mean, attributes: { axes: [1], keepdims: 0 } })])
  else {
    graph.addInitializer('pool_axes', { type: 'int64', dims: [1], data: BigInt64Array.of(1n) })
    const inputs = [...mean.inputs, 'pool_axes']
    graph.insert([createNode({ ...mean, inputs, attributes: { keepdims: 0 } })])
  }
  graph.addOutput('pooled', 'float32', [undefined, undefined])
  return model
}
