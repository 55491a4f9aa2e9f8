import { none } from '@tp/core'
import { Graph, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { dataSets, fixture, openFixture } from '../../test/fixtures.ts'
import { difference, numbers, run } from '../../test/run.ts'
import { Program } from '../program/program.ts'
import { prune } from '../transforms/prune.ts'
import { transform } from '../transforms/transform.ts'

function lean(model: Model): Model {
  return transform(model, prune({ method: none(), schedule: new Map() })).model
}

/** Inputs of the model that a value is computed from, by their contents or their sizes. */
function inputsOf(model: Model, value: string): string[] {
  const program = new Program(model)
  const read = [...program.upstream([value])].flatMap(({ input }) => input)
  return program.graph.inputs.map(({ name }) => name).filter((name) => read.includes(name))
}

function sizesOfResizes(model: Model): string[] {
  return new Graph(model).nodes.filter(({ opType }) => opType === 'Resize').map(({ input }) => input.at(-1) as string)
}

test('Position embeddings are resized by constants where the size of images is known', async () => {
  const model = openFixture(fixture('dinov2-cls-ts17'))
  const result = lean(model)
  expect(sizesOfResizes(model).map((size) => inputsOf(model, size))).toEqual([['pixel_values']])
  expect(sizesOfResizes(result).map((size) => inputsOf(result, size))).toEqual([[]])
  for (const { inputs } of dataSets(fixture('dinov2-cls-ts17'))) {
    const [dense, own] = [await run(model, inputs), await run(result, inputs)]
    for (const [output, value] of Object.entries(dense)) {
      expect(difference(numbers(own[output]), numbers(value))).toBeLessThan(1e-6)
    }
  }
})

test('Sizes that an image brings with it are computed in each run', () => {
  const result = lean(openFixture(fixture('dinov2-optimum')))
  expect(sizesOfResizes(result).map((size) => inputsOf(result, size))).toEqual([['pixel_values']])
})

/** Reshapes whose shape is computed in each run. */
function computedShapes(model: Model): number {
  const graph = new Graph(model)
  return graph.nodes.filter(
    ({ opType, input: [, shape = ''] }) =>
      opType === 'Reshape' && !['Constant', undefined].includes(graph.producer(shape)?.opType),
  ).length
}

test('Shapes whose unknown sizes are those of the reshaped value are constants, with the same answers', async () => {
  const name = 'bert-cls-eager-ts11'
  const model = openFixture(fixture(name))
  const sized = lean(model)
  expect(computedShapes(model)).toBeGreaterThan(0)
  expect(computedShapes(sized)).toBe(0)
  for (const { inputs } of dataSets(fixture(name))) {
    const [dense, own] = [await run(model, inputs), await run(sized, inputs)]
    for (const [output, value] of Object.entries(dense)) {
      expect(difference(numbers(own[output]), numbers(value))).toBeLessThan(1e-6)
    }
  }
})
