import { embed, qualityOf } from '@tp/compare'
import { prune, transform } from '@tp/compiler'
import { constant, evaluate, schedule, type Tensor } from '@tp/core'
import { randomNumbers } from '@tp/core/statistics'
import type { ModelInputs } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { withoutHead } from '../test/embedder.ts'
import { small, smallLessons } from '../test/lessons.ts'
import { saliencyOf, train } from './index.ts'
import { embeddingDistance } from './losses.ts'

const runtime = nodeRuntime()

const model = withoutHead(small)
let inputs: ModelInputs
let teacher: Float32Array

beforeAll(async () => {
  const { inputs: lessons } = await smallLessons(48)
  const texts = { ...lessons, targets: lessons.targets.map(() => -1) }
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const { vectors } = await embed(session, texts, { batchSize: 8 })
  inputs = { ...texts, vectors }
  teacher = Float32Array.from(vectors.flatMap((vector) => Array.from(vector)))
})

const cosineOf = async (own: Model): Promise<number> => {
  await using session = await runtime.load(encodeModel(own), { threads: 1 })
  return await qualityOf(session, inputs, { batchSize: 8 })
}

test('brings the vectors of a pruned model nearer to the dense ones', async () => {
  const amounts = schedule(3, { layers: [1], keep: 0.4 })
  const pruned = transform(model, prune({ method: receivedAttention(), schedule: amounts }))
  const before = await cosineOf(pruned.model)
  const learning = { answer: 'embedding', epochs: 8, batchSize: 8, learningRate: 1e-3 } as const
  const trained = await train({ ...learning, model: pruned.model, runtime, inputs, teacher, selection: inputs })
  const after = await cosineOf(trained.model)
  expect(after).toBeCloseTo(trained.accuracy as number, 6)
  expect(100 - after).toBeLessThan(0.7 * (100 - before))
  expect(before).toBeLessThan(100)
})

test('gives the weights that it began with where no later ones are better', async () => {
  const amounts = schedule(3, { layers: [1], keep: 0.8 })
  const pruned = transform(model, prune({ method: receivedAttention(), schedule: amounts }))
  const tooFast = { answer: 'embedding', epochs: 0.5, batchSize: 8, learningRate: 0.05, warmUp: 0 } as const
  const trained = await train({ ...tooFast, model: pruned.model, runtime, inputs, teacher, selection: inputs })
  expect(trained.step).toBe(0)
  expect(encodeModel(trained.model)).toEqual(encodeModel(pruned.model))
  expect(trained.accuracy).toBeCloseTo(await cosineOf(pruned.model), 6)
})

test('has neither loss nor gradient where the model gives the dense vectors', async () => {
  const { progress } = await train({ answer: 'embedding', epochs: 0.2, batchSize: 8, model, runtime, inputs, teacher })
  expect(progress[0]?.loss).toBeLessThan(1e-6)
  expect(progress[0]?.gradientNorm).toBeLessThan(1e-3)
})

test('refuses a share of labels', async () => {
  const training = { answer: 'embedding', model, runtime, inputs, teacher } as const
  await expect(train({ ...training, distillation: 0.5 })).rejects.toMatchObject({ code: 'TP_OPTION' })
})

describe('the saliency of a vector', () => {
  test('the saliency is the same in any batch, and 0 for padding', async () => {
    const some = { model, runtime, inputs, answer: 'embedding', layer: 2 } as const
    const [alone, together] = await Promise.all([1, 8].map((batchSize) => saliencyOf({ ...some, batchSize })))
    for (const [row, length] of (inputs.lengths ?? []).entries()) {
      const [one, other] = [alone, together].map((each) => Array.from(each?.(row) ?? [])) as [number[], number[]]
      expect(Math.max(...one)).toBe(1)
      for (const [i, value] of one.entries()) expect(value).toBeCloseTo(other[i] as number, 3)
      expect(other.slice(length).every((value) => value === 0)).toBe(true)
    }
  })
})

test('the distance of vectors is half the squared one, and that of the similarities to the dense ones of the batch', () => {
  const random = randomNumbers(3)
  const unit = (): number[] => {
    const own = Array.from({ length: 5 }, () => random() - 0.5)
    return own.map((value) => value / Math.hypot(...own))
  }
  const [own, dense] = [0, 1].map(() => Array.from({ length: 3 }, unit)) as [number[][], number[][]]
  const tensorOf = (rows: number[][]): Tensor => constant(rows.flat(), 'float32', [3, 5])
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((all, x, i) => all + x * (b[i] as number), 0)
  const found = Array.from(evaluate([embeddingDistance(tensorOf(own), tensorOf(dense))], {})[0]?.data as Float32Array)
  own.forEach((vector, i) => {
    const target = dense[i] as number[]
    const similarities = dense.reduce((all, other) => all + (dot(vector, other) - dot(target, other)) ** 2, 0)
    expect(found[i]).toBeCloseTo(1 - dot(vector, target) + similarities / 2, 5)
  })
})
