import { add, type Method, mean, mul, type Schedule, schedule, type Tensor } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { inputsOf, statesOf, type TestEncoderOptions } from './encoders.ts'
import { pruned } from './pruned.ts'
import { difference, numbers, rows, run } from './run.ts'

const plain: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17, seed: 2 },
}
const TOKENS = 9
const WIDTH = 8

/** The completed state of a token that is pruned at a layer. */
const said = (layer: number): number => 10 + layer

/** Chooses as another method does, and says the same number of every token that it prunes at a layer. */
function saying(of: (hidden: Tensor, layer: number) => Tensor = (x, layer) => add(mul(x, 0), said(layer))): Method {
  const chooses = receivedAttention()
  return Object.freeze<Method>({
    name: 'saying',
    family: 'baseline',
    completes: true,
    reduce: (site) => ({ ...chooses.reduce(site), final: of(site.hidden, site.layer) }),
  })
}

/** Tokens in, their states out, and the mean over all of them, as a file that pools by itself. */
function embedder(options: TestEncoderOptions, norm: TestEncoderOptions['norm'] = 'post'): Model {
  const { logits: states } = statesOf({ ...options, norm, head: (x) => x })
  return decodeModel(emitModel({ states, pooled: mean(states, 1) }, { opset: 17 }))
}

/** By example and token: the layer that it was pruned at, from the traces of a pruned file. */
function prunedAt(outputs: Readonly<Record<string, TensorLike>>, layers: readonly number[]): (number | undefined)[][] {
  const states = outputs.states as TensorLike
  const [examples = 0, count = 0] = states.dims
  return Array.from({ length: examples }, (_, example) =>
    Array.from({ length: count }, (_, token) =>
      layers.find((layer) => {
        const valid = rows(outputs[`tp.trace.${layer}.valid`])[example] ?? []
        const indices = rows(outputs[`tp.trace.${layer}.indices`])[example] ?? []
        return !indices.some((index, slot) => valid[slot] === 1 && index === token)
      }),
    ),
  )
}

const amounts: readonly (readonly [string, Schedule])[] = [
  ['by a ratio', schedule(3, { layers: [0, 2], keep: 0.7 })],
  ['by a share that differs by example', schedule(3, { layers: [0, 1], mass: 0.7 })],
]

test.each(amounts)(
  'pruned %s, a token has the state that the method says, and a kept one its own',
  async (_, drawn) => {
    const inputs = inputsOf(plain, 3, TOKENS, 4)
    const outputs = await run(pruned(embedder(plain), { method: saying(), schedule: drawn, trace: true }), inputs)
    const others = await run(
      pruned(embedder(plain), { method: receivedAttention(), schedule: drawn, trace: true, restore: 'all' }),
      inputs,
    )
    const mask = rows(inputs.attention_mask)
    const [states, own] = [rows(outputs.states), rows(others.states)]
    let count = 0
    for (const [example, tokens] of prunedAt(outputs, [...drawn.keys()]).entries()) {
      for (const [token, layer] of tokens.entries()) {
        if (mask[example]?.[token] !== 1) continue
        const seen = states[example]?.slice(WIDTH * token, WIDTH * (token + 1)) as number[]
        const kept = own[example]?.slice(WIDTH * token, WIDTH * (token + 1)) as number[]
        if (layer === undefined) expect(difference(seen, kept)).toBeLessThan(1e-6)
        else expect(seen).toEqual(Array.from({ length: WIDTH }, () => said(layer)))
        count += layer === undefined ? 0 : 1
      }
    }
    expect(count).toBeGreaterThan(2)
  },
)

test('a mean in the file is that over all tokens, pruned ones included', async () => {
  const inputs = inputsOf({ ...plain, mask: 'none' }, 3, TOKENS, 0)
  const model = embedder({ ...plain, mask: 'none' })
  const outputs = await run(pruned(model, { method: saying(), schedule: schedule(3, { keep: 0.6 }) }), inputs)
  const means = rows(outputs.states).map((row) =>
    Array.from({ length: WIDTH }, (_, i) => {
      const column = Array.from({ length: TOKENS }, (_, token) => row[token * WIDTH + i] as number)
      return column.reduce((a, b) => a + b) / TOKENS
    }),
  )
  for (const [example, row] of rows(outputs.pooled).entries()) {
    expect(difference(row, means[example] as number[])).toBeLessThan(1e-5)
  }
})

test('a masked mean in a file without token outputs counts pruned tokens as the method says', async () => {
  const model = decodeModel(emitModel({ logits: statesOf({ ...plain, pooling: 'masked mean' }).logits }, { opset: 17 }))
  const inputs = inputsOf(plain, 3, TOKENS, 4)
  const options = { schedule: schedule(3, { keep: 0.6 }) }
  // At the last site of a post-norm encoder nothing but an FFN follows: with the state that it had a token counts as if restored.
  const own = saying((hidden) => hidden)
  const [seen, expected] = [
    await run(pruned(model, { ...options, method: own }), inputs),
    await run(pruned(model, { ...options, method: receivedAttention(), restore: 'all' }), inputs),
  ]
  expect(difference(numbers(seen.logits), numbers(expected.logits))).toBeLessThan(1e-5)
  const kept = await run(pruned(model, { ...options, method: own, restore: 'none' }), inputs)
  const plainly = await run(pruned(model, { ...options, method: receivedAttention() }), inputs)
  expect(difference(numbers(kept.logits), numbers(plainly.logits))).toBeLessThan(1e-5)
})

test('adds the completed states of kept tokens to those of pruned ones', async () => {
  const added: Method = Object.freeze<Method>({
    ...saying(),
    reduce: (site) => ({ ...saying().reduce(site), context: (kept) => mul(kept, 2) }),
  })
  for (const [, budget] of amounts) {
    const inputs = inputsOf(plain, 3, TOKENS, 4)
    const outputs = await run(pruned(embedder(plain), { method: added, schedule: budget, trace: true }), inputs)
    const mask = rows(inputs.attention_mask)
    const states = rows(outputs.states)
    for (const [example, tokens] of prunedAt(outputs, [...budget.keys()]).entries()) {
      const stateOf = (token: number): number[] =>
        states[example]?.slice(WIDTH * token, WIDTH * (token + 1)) as number[]
      const attended = [...tokens.keys()].filter((token) => mask[example]?.[token] === 1)
      const kept = attended.filter((token) => tokens[token] === undefined)
      const average = stateOf(0).map(
        (_, i) => kept.reduce((sum, token) => sum + (stateOf(token)[i] as number), 0) / kept.length,
      )
      for (const token of attended) {
        const layer = tokens[token]
        if (layer === undefined) continue
        expect(
          difference(
            stateOf(token),
            average.map((x) => said(layer) + 2 * x),
          ),
        ).toBeLessThan(1e-5)
      }
    }
  }
})

test('with every token kept the answers are those of the dense model', async () => {
  for (const norm of ['pre', 'post'] as const) {
    const inputs = inputsOf(plain, 3, TOKENS, 4)
    const model = embedder(plain, norm)
    const [seen, dense] = [
      await run(pruned(model, { method: saying(), schedule: schedule(3, { tokens: 99 }) }), inputs),
      await run(model, inputs),
    ]
    const mask = rows(inputs.attention_mask)
    for (const [example, row] of rows(seen.states).entries()) {
      const those = row.filter((_, i) => mask[example]?.[Math.floor(i / WIDTH)] === 1)
      const expected = rows(dense.states)[example]?.filter((_, i) => mask[example]?.[Math.floor(i / WIDTH)] === 1)
      expect(difference(those, expected as number[])).toBeLessThan(1e-5)
    }
  }
})

test('between the layers a pruned token has the state that it had', async () => {
  const { logits, streams } = statesOf(plain)
  const outputs = Object.fromEntries(streams.map((x, i) => [`stream.${i}`, x]))
  const model = decodeModel(emitModel({ logits, ...outputs }, { opset: 17 }))
  const inputs = inputsOf(plain, 3, TOKENS, 4)
  const pruning = schedule(3, { layers: [0], keep: 0.6 })
  const [seen, plainly] = [
    await run(pruned(model, { method: saying(), schedule: pruning }), inputs),
    await run(pruned(model, { method: receivedAttention(), schedule: pruning, restore: 'all' }), inputs),
  ]
  for (const name of ['stream.1', 'stream.2']) expect(numbers(seen[name])).toEqual(numbers(plainly[name]))
  expect(numbers(seen['stream.3'])).toContain(said(0))
  expect(numbers(plainly['stream.3'])).not.toContain(said(0))
})
