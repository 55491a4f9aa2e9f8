import { randomNumbers } from '@tp/core/statistics'
import { createModel, createNode, Graph, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { type ChannelRanges, quantize, smooth, smoothSites, transform } from '../src/index.ts'
import { float32, run } from './run.ts'

const CHANNELS = 32
const ROWS = 64
const uniform = randomNumbers(3)
const noise = (count: number, size = 1): Float32Array =>
  Float32Array.from({ length: count }, () => size * (2 * uniform() - 1))

/** Channel 5 of its input is far louder than the others. */
const loud = noise(ROWS * CHANNELS).map((x, i) => (i % CHANNELS === 5 ? 100 * x : x))
const ranges = new Map([['x', rangesOf(loud)]])

function rangesOf(rows: Float32Array): ChannelRanges {
  const channel = (c: number): number[] => Array.from({ length: ROWS }, (_, row) => rows[row * CHANNELS + c] as number)
  const each = <T>(of: (numbers: number[]) => number, type: { from(values: number[]): T }): T =>
    type.from(Array.from({ length: CHANNELS }, (_, c) => of(channel(c))))
  return {
    low: each((numbers) => Math.min(0, ...numbers), Float32Array),
    high: each((numbers) => Math.max(0, ...numbers), Float32Array),
    meanSquare: each((numbers) => numbers.reduce((sum, x) => sum + x * x, 0) / ROWS, Float64Array),
  }
}

/** Two products that read x; with `isShared` both by one matrix. */
function products(isShared = false): Model {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('x', 'float32', [undefined, CHANNELS])
  for (const name of ['a', 'b']) {
    const weights = isShared ? 'w' : `w${name}`
    if (graph.initializer(weights) === undefined) {
      // As trained: what is loud has small weights.
      const data = noise(CHANNELS * 8).map((x, i) => (Math.floor(i / 8) === 5 ? x / 20 : x))
      graph.addInitializer(weights, { type: 'float32', dims: [CHANNELS, 8], data })
    }
    graph.insert([createNode({ type: 'MatMul', name, inputs: ['x', weights], outputs: [`y${name}`] })])
    graph.addOutput(`y${name}`, 'float32', [undefined, 8])
  }
  return model
}

describe('smooth', () => {
  const model = products()
  const feeds = { x: float32([ROWS, CHANNELS], loud) }

  test('divides loud channels, and computes the same bit for bit in float32', async () => {
    const smoothed = transform(model, smooth({ ranges, activations: 'tensor' }))
    expect(smoothed.reports[0].sites).toMatchObject([{ value: 'x', channels: CHANNELS, nodes: ['a', 'b'], loud: 1 }])
    expect(await run(transform(model, smooth({ ranges })).model, feeds)).toEqual(await run(model, feeds))
    const [before, after] = [await run(model, feeds), await run(smoothed.model, feeds)]
    expect(after).toEqual(before)
  })

  test.each(['token', 'tensor'] as const)(
    'takes away most of what 8 bits do to the products, about as much as it says: %s',
    async (activations) => {
      const error = async (own: Model): Promise<number> => {
        // Exact on every processor.
        const result = transform(own, quantize({ reduceRange: true, activations }))
        const [exact, rounded] = [await run(model, feeds), await run(result.model, feeds)]
        const [ya, other] = [exact.ya?.data as Float32Array, rounded.ya?.data as Float32Array]
        return ya.reduce((sum, y, i) => sum + (y - (other[i] as number)) ** 2, 0) / ya.length
      }
      const smoothed = transform(model, smooth({ ranges, activations }))
      const [before, after] = [await error(model), await error(smoothed.model)]
      const [site] = smoothed.reports[0].sites
      expect(after).toBeLessThan(before / 5)
      expect(Math.abs(Math.log(before / after / ((site?.before ?? 0) / (site?.after ?? 1))))).toBeLessThan(
        Math.log(activations === 'token' ? 9 : 3),
      )
    },
  )

  test('leaves alone what is not loud, what has no ranges, and weights that several products share', () => {
    const quiet = new Map([['x', rangesOf(noise(ROWS * CHANNELS))]])
    expect(transform(model, smooth({ ranges: quiet, activations: 'tensor' })).reports[0].sites).toEqual([])
    expect(transform(model, smooth({ ranges: new Map() })).reports[0].sites).toEqual([])
    expect(smoothSites(products(true))).toEqual([])
  })

  test('refuses ranges of another number of channels', () => {
    const wrong = new Map([['x', { ...(ranges.get('x') as ChannelRanges), low: new Float32Array(3) }]])
    expect(() => transform(model, smooth({ ranges: wrong }))).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  })
})
