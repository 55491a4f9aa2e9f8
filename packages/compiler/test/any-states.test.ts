import { readFileSync } from 'node:fs'
import { add, concat, constant, input, matmul, softmax, swapLast } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { decoderPath, type SpeechDecoderName } from 'exported-decoders'
import { describe, expect, test } from 'vitest'
import { readAnyStates, transform } from '../src/index.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

const open = (name: SpeechDecoderName): Model => decodeModel(readFileSync(decoderPath(name)))

function repaired(model: Model, states?: number) {
  const { model: free, reports } = transform(model, readAnyStates(states === undefined ? {} : { states }))
  return { ...reports[0], model: free }
}

/** The same numbers for each state in every run, each so many times. */
function statesOf(dims: readonly number[], axis: number, times: number, seed: number): TensorLike {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b)
  const size = dims.reduce((a, b) => a * b)
  const once = Array.from({ length: size }, (_, i) => Math.sin(12.9898 * seed * (i + 1)))
  const several = Array.from({ length: size * times }, (_, i) => {
    const row = Math.floor(Math.floor(i / inner) / times)
    return once[row * inner + (i % inner)] as number
  })
  return float32(
    dims.map((dim, i) => (i === axis ? dim * times : dim)),
    several,
  )
}

/** The inputs of a decoder with 2 layers of 4 heads: `count` states, each `times` times. */
function feeds(model: Model, count: number, times: number, cached: boolean): NamedTensors {
  const entries = new Graph(model).inputs.map(({ name, dims = [] }, seed): [string, TensorLike] => {
    if (name === 'input_ids') return [name, cached ? int64([1, 1], [7]) : int64([1, 3], [5, 6, 7])]
    if (name === 'use_cache_branch') return [name, { type: 'bool', dims: [1], data: Uint8Array.of(cached ? 1 : 0) }]
    if (name === 'encoder_hidden_states') return [name, statesOf([1, count, 16], 1, times, 1)]
    if (name.includes('.encoder.')) return [name, statesOf([1, 4, count, 4], 2, times, 2 + seed)]
    return [name, statesOf([1, dims[1] as number, cached ? 2 : 0, 4], 2, 1, 3 + seed)]
  })
  return Object.fromEntries(entries)
}

describe.each([
  ['whisper-fixed', 30, [false]],
  ['whisper-merged-fixed', 16, [false, true]],
] as const)('%s, exported for %d states', (name, count, branches) => {
  const model = open(name)
  const { model: free, builtIn } = repaired(model)

  test('gives the same answers to as many states, bit for bit', async () => {
    expect(builtIn).toBe(count)
    for (const cached of branches)
      expect(await run(free, feeds(model, count, 1, cached))).toEqual(await run(model, feeds(model, count, 1, cached)))
  })

  test('gives to half of the states what the exported file gives to each of them twice', async () => {
    for (const cached of branches) {
      const [half, twice] = [
        await run(free, feeds(model, count / 2, 1, cached)),
        await run(model, feeds(model, count / 2, 2, cached)),
      ]
      const [logits, expected] = [half, twice].map(({ logits }) => numbers(logits)) as [number[], number[]]
      expect(difference(logits, expected)).toBeLessThan(1e-5)
      if (!cached && name === 'whisper-merged-fixed') expect(half['present.0.encoder.key']?.dims).toEqual([1, 4, 8, 4])
    }
  })

  test('declares the number as free, and is left as it is when it is repaired again', () => {
    const again = repaired(free, count)
    expect([again.builtIn, again.model === free]).toEqual([undefined, true])
    const { inputs, outputs } = new Graph(free)
    const ofStates = [...inputs, ...outputs].filter(({ name }) => /encoder/.test(name))
    expect(ofStates.length).toBeGreaterThan(0)
    for (const { dims = [] } of ofStates) expect(typeof dims[dims.length === 4 ? 2 : 1]).toBe('string')
  })
})

const query = input('query', 'float32', [1, 2, 4])
const attending = (keys: ReturnType<typeof input>, bias: ReturnType<typeof constant>): Uint8Array =>
  emitModel({ logits: matmul(softmax(add(matmul(query, swapLast(keys)), bias)), keys) }, { opset: 17 })
const six = input('encoder_hidden_states', 'float32', [1, 6, 4])

test('a mask that shows all states follows their number', async () => {
  const { model } = repaired(decodeModel(attending(six, constant(Array(6).fill(0.5), 'float32', [1, 1, 6]))))
  const query = statesOf([1, 2, 4], 1, 1, 3)
  const few = await run(model, { query, encoder_hidden_states: statesOf([1, 3, 4], 1, 1, 1) })
  const twice = await run(model, { query, encoder_hidden_states: statesOf([1, 3, 4], 1, 2, 1) })
  expect(difference(numbers(few.logits), numbers(twice.logits))).toBeLessThan(1e-6)
})

test.each([
  ['a number for each state', attending(six, constant([0, 1, 2, 3, 4, 5], 'float32', [1, 1, 6])), 'TP_POSITIONS'],
  ['a joined row', attending(concat([six, six], 1) as typeof six, constant([0], 'float32', [1])), 'TP_TOKEN_CONCAT'],
])('a decoder with %s is refused, not broken', (_, bytes, code) => {
  expect(() => transform(decodeModel(bytes), readAnyStates())).toThrow(expect.objectContaining({ code }))
})

test('a model that reads no states is refused', () => {
  const text = decodeModel(readFileSync(modelPath('mail')))
  expect(() => transform(text, readAnyStates())).toThrow(expect.objectContaining({ code: 'TP_DECODER' }))
})
