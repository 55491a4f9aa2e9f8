import { type PruneOptions, prune, transform } from '@tp/compiler'
import { random, schedule } from '@tp/core'
import type { Session, TensorLike } from '@tp/core/runtime'
import { prepareInputs, readModelFolder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { someExamples, textDataset } from '@tp/data/inputs'
import { taskOf } from '@tp/data/outputs'
import { receivedAttention } from '@tp/method-attention'
import { type Figure, figureInterval, figureLoss } from '@tp/metrics'
import { mailData, modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareEmbeddings, type Embeddings, embed, type Nearness } from '../src/answers/embeddings.ts'
import { LAYERS, mailStates } from './tagger.ts'

const MAILS = 60
const model = mailStates()
let session: Session
let inputs: ModelInputs
let dense: Embeddings

async function embedCut(options: Pick<PruneOptions, 'method' | 'restore'>, keep: number): Promise<Embeddings> {
  const result = transform(model, prune({ ...options, schedule: schedule(LAYERS, { keep, layers: [0, 1] }) }))
  await using pruned = await nodeRuntime().load(encodeModel(result.model), { threads: 1 })
  return await embed(pruned, inputs, { batchSize: 8 })
}

beforeAll(async () => {
  session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
  const mails = textDataset(
    'mails',
    mailData('test')
      .slice(0, MAILS)
      .map(({ text }) => ({ text, label: -1 })),
  )
  const known = { ...(await readModelFolder(modelPath('mail'))), maxTokens: 48 }
  inputs = await prepareInputs(mails, session.inputs, known)
  dense = await embed(session, inputs, { batchSize: 8 })
})

afterAll(() => session[Symbol.asyncDispose]())

const mean = ({ got }: Figure): number => got.reduce((sum, value) => sum + value, 0) / got.length

describe('vectors of mails: means of the last states', () => {
  test('recognizes vectors by the outputs, as the means over the attended tokens', async () => {
    expect(taskOf(session.outputs)).toBe('embeddings')
    const { last_hidden_state: states } = await session.run(await inputs.feeds([3]))
    const [, tokens = 0, width = 0] = states?.dims ?? []
    const data = states?.data as Float32Array
    const sums = Array.from({ length: width }, (_, i) =>
      Array.from({ length: tokens }, (_, token) => data[token * width + i] as number).reduce((a, b) => a + b, 0),
    )
    const length = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0))
    for (const [i, value] of sums.entries()) expect(dense.vectors[3]?.[i]).toBeCloseTo(value / length, 5)
  })

  test('takes vectors of the class token where the model pools so', async () => {
    const { last_hidden_state: states } = await session.run(await inputs.feeds([3]))
    const { data, dims } = states as TensorLike
    const first = Array.from((data as Float32Array).subarray(0, dims[2]))
    const length = Math.hypot(...first)
    const { vectors } = await embed(session, { ...someExamples(inputs, [3]), pooling: 'class token' })
    for (const [i, value] of first.entries()) expect(vectors[0]?.[i]).toBeCloseTo(value / length, 5)
  })

  test('vectors are closer to those of the dense model the more tokens are kept', async () => {
    const method = receivedAttention()
    const [whole, much, little] = [1, 0.8, 0.2].map((keep) => embedCut({ method }, keep)) as Promise<Embeddings>[]
    const nearness = async (vectors: Promise<Embeddings> | undefined): Promise<Nearness> =>
      compareEmbeddings((await vectors) as Embeddings, dense)
    const [all, near, far] = [await nearness(whole), await nearness(much), await nearness(little)]
    for (const name of ['cosine', 'rankCorrelation', 'neighbors', 'neighborsInDense'] as const) {
      expect(mean(all[name]), name).toBeCloseTo(1, 5)
      expect(mean(near[name]), name).toBeLessThan(0.999)
      expect(near[name].got, name).toHaveLength(MAILS)
    }
    // Paired, the same texts in both; what a few texts may lack is allowed for.
    const { estimate, low } = figureLoss(near.cosine, far.cosine)
    expect(estimate).toBeCloseTo(mean(near.cosine) - mean(far.cosine), 12)
    expect(estimate).toBeGreaterThan(0.02)
    expect(low).toBeGreaterThan(-0.02)
    expect(figureInterval(near.cosine).estimate).toBeCloseTo(mean(near.cosine), 12)
  })

  test('takes means over the kept tokens if a model returns only these', async () => {
    const left = await embedCut({ method: random({ seed: 1 }), restore: 'none' }, 0.5)
    const all = await embedCut({ method: random({ seed: 1 }), restore: 'all' }, 0.5)
    const filled = await embedCut({ method: random({ seed: 1 }) }, 0.5)
    expect(left.vectors[0]).toHaveLength(128)
    const [own, restored] = [compareEmbeddings(left, dense), compareEmbeddings(all, dense)]
    expect(mean(own.cosine)).toBeGreaterThan(0.5)
    // Restored as such outputs need it, a mean outside is the same.
    expect(mean(compareEmbeddings(filled, left).cosine)).toBeCloseTo(1, 6)
    expect(mean(own.cosine)).not.toBeCloseTo(mean(restored.cosine), 6)
  })

  test('can come from an output by name, which has to exist', async () => {
    const some = someExamples(inputs, [0, 1, 2])
    const named = await embed(session, some, { output: 'last_hidden_state' })
    expect(named.vectors).toEqual((await embed(session, some)).vectors)
    await expect(embed(session, some, { output: 'pooled' })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringMatching(/a float32 output pooled of .*; the model gave last_hidden_state float32/),
    })
  })
})

/** Vectors on the circle, by their angles in degrees. */
function circle(...angles: number[]): Embeddings {
  const vectors = angles.map((angle) =>
    Float64Array.of(Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)),
  )
  return { task: 'embeddings', figures: {}, vectors, kept: undefined, latency: undefined }
}

describe('compareEmbeddings', () => {
  test('agrees with numbers computed by hand', () => {
    // of the vector at 0° the others lie at 10, 30, 60 and 100°; then at 30, 10, 60 and 100°
    const dense = circle(0, 10, 30, 60, 100)
    const pruned = circle(0, 30, 10, 60, 100)
    const near = compareEmbeddings(pruned, dense, { neighbors: 1 })
    // ranks 4 3 2 1 and 3 4 2 1: 1 − 6·2/(4·15)
    expect(near.rankCorrelation.got[0]).toBeCloseTo(0.8, 12)
    expect(near.cosine.got.map((value) => Number(value.toFixed(6)))).toEqual([1, 0.939693, 0.939693, 1, 1])
    expect(near.neighbors.got[0]).toBe(0)
    // 0° is where it was, and so is the index
    expect(near.neighborsInDense.got[0]).toBe(1)
    expect(compareEmbeddings(pruned, dense, { neighbors: 2, queries: 1 }).neighbors.got).toEqual([1])
  })

  test('finds no change of similarity when all vectors are turned, except for a search in the dense index', () => {
    const [dense, turned] = [circle(0, 10, 31, 64, 107), circle(90, 100, 121, 154, 197)]
    const near = compareEmbeddings(turned, dense, { neighbors: 1 })
    expect(mean(near.rankCorrelation)).toBeCloseTo(1, 12)
    expect(mean(near.neighbors)).toBe(1)
    expect(mean(near.neighborsInDense)).toBeLessThan(1)
    expect(mean(near.cosine)).toBeCloseTo(0, 12)
  })

  test('refuses different examples and too few', () => {
    expect(() => compareEmbeddings(circle(0, 1, 2), circle(0, 1))).toThrow(/3 vectors of 2 and 2 of 2 numbers/)
    expect(() => compareEmbeddings(circle(0, 1), circle(0, 1))).toThrow(/2 examples have no neighbors/)
  })
})
