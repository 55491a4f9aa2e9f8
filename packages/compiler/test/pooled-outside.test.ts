import { mean, none, type Schedule, schedule, type Tensor } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { keyNorm, receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type HeadOutput, inspect, MASK, type PruneOptions, prune, readClassToken, transform } from '../src/index.ts'
import { inputsOf, statesOf, type TestEncoderOptions } from './encoders.ts'
import { dataSets, fixtures, inspectFixture, openFixture } from './fixtures.ts'
import { pruned } from './pruned.ts'
import { difference, rows, run } from './run.ts'

const plain: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17, seed: 2 },
}

/** Tokens in, states out, as encoders are exported for pooling outside; with what an export for sentences gives next to them. */
function embedder(options: TestEncoderOptions, pooled?: (states: Tensor) => Tensor): Model {
  const { logits } = statesOf({ ...options, head: (x) => x })
  return decodeModel(emitModel({ states: logits, ...(pooled && { pooled: pooled(logits) }) }, { opset: 17 }))
}

/** A list of numbers for each example: the mean of states [b,n,d] over the tokens that a mask [b,n] attends. */
function meanOf(states: TensorLike | undefined, mask: TensorLike | undefined): number[][] {
  const [, count = 0, width = 0] = states?.dims ?? []
  const attended = mask && rows(mask)
  return rows(states).map((row, example) => {
    const those = Array.from({ length: count }, (_, token) => token).filter(
      (token) => attended?.[example]?.[token] !== 0,
    )
    return Array.from(
      { length: width },
      (_, i) => those.reduce((total, token) => total + (row[token * width + i] as number), 0) / those.length,
    )
  })
}

const drops: readonly (readonly [string, PruneOptions['method'], Schedule])[] = [
  ['dropped by a ratio', receivedAttention(), schedule(3, { layers: [0, 1, 2], keep: 0.7 })],
  ['dropped at the input', keyNorm(), schedule(3, { layers: [1], keep: 0.5 })],
  ['dropped by a share that differs by example', receivedAttention(), schedule(3, { layers: [0, 2], mass: 0.7 })],
]

describe('a mean outside over all tokens is that over the kept ones', () => {
  for (const [row, norm] of (['pre', 'post'] as const).entries()) {
    for (const [column, masked] of (['added', 'none'] as const).entries()) {
      const options = { ...plain, norm, mask: masked }
      const inputs = inputsOf(options, 3, 9, 4)
      test.each(inTurn(drops, 2 * row + column, 1))(`${norm}-norm, mask ${masked}: %s`, async (_, method, amounts) => {
        const model = embedder(options)
        const filled = await run(pruned(model, { method, schedule: amounts }), inputs)
        const compact = await run(pruned(model, { method, schedule: amounts, restore: 'none' }), inputs)
        expect(Object.keys(filled)).toEqual(['states'])
        expect(filled.states?.dims).toEqual([3, 9, 8])
        expect(compact.states?.dims[1]).toBeLessThan(9)
        expectNear(meanOf(filled.states, inputs.attention_mask), meanOf(compact.states, compact[MASK]))
      })
    }
  }
})

describe('restoring as outputs need it costs no pooled output of an exported encoder anything', () => {
  const isPooled = ({ reads }: HeadOutput): boolean => reads.some(({ kind }) => ['mean', 'token-states'].includes(kind))
  let row = 0
  for (const fixture of fixtures.filter(({ facts }) => facts.prunable)) {
    const found = inspectFixture(fixture)
    const outputs = found.ok ? found.head.filter(isPooled) : []
    if (outputs.length === 0) continue
    // The first of each three.
    if (row++ % 3 > 0) continue
    test(fixture.name, async () => {
      const model = openFixture(fixture)
      const [{ inputs }] = dataSets(fixture) as [ReturnType<typeof dataSets>[number]]
      const amounts = schedule(fixture.facts.layers, { keep: 0.6 })
      const [auto, none] = [{}, { restore: 'none' } as const].map((restore) =>
        pruned(model, { method: receivedAttention(), schedule: amounts, ...restore }),
      ) as [Model, Model]
      const [filled, compact] = [await run(auto, inputs), await run(none, inputs)]
      const mask = Object.entries(inputs).find(([name]) => name === fixture.facts.maskInput)?.[1]
      const isText = Object.values(inputs).some(({ type }) => type.startsWith('int'))
      for (const { output } of outputs) {
        const [seen, expected] = [filled[output], compact[output]] as [TensorLike, TensorLike]
        if (seen.dims.length === 2) expectNear(rows(seen), rows(expected))
        // Frames and patches come back as the nearest kept one: see nearest-rows.test.ts.
        else if (isText) expectNear(meanOf(seen, mask), meanOf(expected, compact[MASK]))
        else
          expect(seen.dims).toEqual(
            Object.entries(dataSets(fixture)[0]?.outputs ?? {}).find(([name]) => name === output)?.[1].dims,
          )
      }
    })
  }
})

test('a masked mean of the file itself counts the kept tokens', async () => {
  const { logits } = statesOf({ ...plain, pooling: 'masked mean' })
  const { logits: states } = statesOf({ ...plain, head: (x) => x })
  const both = decodeModel(emitModel({ logits, states }, { opset: 17 }))
  const alone = decodeModel(emitModel({ logits }, { opset: 17 }))
  const inputs = inputsOf(plain, 3, 9, 4)
  for (const amounts of [schedule(3, { keep: 0.6 }), schedule(3, { mass: 0.7 })]) {
    const options = { method: receivedAttention(), schedule: amounts, protect: [0] }
    const [one, two] = [await run(pruned(both, options), inputs), await run(pruned(alone, options), inputs)]
    expectNear(rows(one.logits), rows(two.logits))
  }
})

test('the first token is kept whatever its score, since it may be what is read outside', async () => {
  const inputs = inputsOf(plain, 3, 9, 4)
  const one = { method: receivedAttention(), schedule: schedule(3, { layers: [0], tokens: 1 }), trace: true }
  const kept = await run(pruned(embedder(plain), one), inputs)
  expect(rows(kept['tp.trace.0.indices'])).toEqual([[0], [0], [0]])
  const free = await run(pruned(embedder(plain), { ...one, protect: [] }), inputs)
  expect(rows(free['tp.trace.0.indices'])).not.toEqual([[0], [0], [0]])
})

test('pruned again, the mean is that of what is left, and other restoring is refused', async () => {
  const inputs = inputsOf(plain, 3, 9, 4)
  const at = (layer: number): PruneOptions => ({
    method: receivedAttention(),
    schedule: schedule(3, { layers: [layer], keep: 0.6 }),
  })
  const model = embedder(plain, (states) => mean(states, 1))
  const twice = await run(pruned(pruned(model, at(0)), at(2)), inputs)
  const compact = await run(pruned(pruned(model, { ...at(0), restore: 'none' }), { ...at(2), restore: 'none' }), inputs)
  expectNear(meanOf(twice.states, inputs.attention_mask), meanOf(compact.states, compact[MASK]))
  for (const restore of ['all', 'none'] as const) {
    expect(() => transform(pruned(model, at(0)), prune({ ...at(2), restore }))).toThrow(
      expect.objectContaining({ code: 'TP_RESTORE' }),
    )
  }
})

test.each([
  [{ mass: 0.8 }, { keep: 0.6 }],
  [{ threshold: 0.1 }, { keep: 0.6 }],
  [{ mass: 0.8 }, { mass: 0.8 }],
])('pruned by %j and again by %j, the mean is that of the tokens kept twice', async (first, second) => {
  const inputs = inputsOf(plain, 3, 9, 4)
  const at = (layer: number, amount: object): PruneOptions => ({
    method: receivedAttention(),
    schedule: schedule(3, { layers: [layer], ...amount }),
  })
  const model = embedder(plain)
  const twice = await run(pruned(pruned(model, at(0, first)), at(2, second)), inputs)
  const none = { restore: 'none' } as const
  const compact = await run(pruned(pruned(model, { ...at(0, first), ...none }), { ...at(2, second), ...none }), inputs)
  expectNear(meanOf(twice.states, inputs.attention_mask), meanOf(compact.states, compact[MASK]))
})

function expectNear(seen: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expect(seen.length).toBe(expected.length)
  for (const [example, row] of seen.entries()) {
    expect(difference(row as number[], expected[example] as number[])).toBeLessThan(2e-5)
  }
}

describe('an embedder of which the class token alone is read', () => {
  const options = { ...plain, norm: 'pre' } as const
  const inputs = inputsOf(options, 3, 9, 4)
  const classToken = (states: TensorLike | undefined): number[][] => rows(states).map((row) => row.slice(0, 8))

  test('gives that row, exactly, and computes no other in its last layer', async () => {
    const model = embedder(options)
    const read = transform(model, readClassToken({ output: 'states' })).model
    expect(inspect(read)).toMatchObject({
      head: [{ output: 'states', reads: [{ kind: 'class-token', position: 0 }] }],
      tokenOutputs: [],
      classToken: 0,
    })
    const [dense, one, lossless] = [
      await run(model, inputs),
      await run(read, inputs),
      await run(pruned(read, { method: none(), schedule: new Map() }), inputs),
    ]
    expect([one.states?.dims, lossless.states?.dims]).toEqual([
      [3, 1, 8],
      [3, 1, 8],
    ])
    expect(rows(one.states)).toEqual(classToken(dense.states))
    expectNear(rows(lossless.states), rows(one.states))
    expect(transform(read, readClassToken({ output: 'states' })).model).toBe(read)
  })

  test('prunes the embedder without restoring a row', async () => {
    const model = embedder(options)
    const how = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.5 }) }
    const [whole, one] = [
      await run(pruned(model, how), inputs),
      await run(pruned(transform(model, readClassToken({ output: 'states' })).model, how), inputs),
    ]
    expectNear(rows(one.states), classToken(whole.states))
    expect(Object.keys(one)).toEqual(['states'])
  })

  test('refuses files without a row for each token', () => {
    const model = embedder(options, (states) => mean(states, [1]))
    for (const name of ['pooled', 'other', 'input_ids'])
      expect(() => transform(model, readClassToken({ output: name })).model).toThrow(
        expect.objectContaining({ code: 'TP_OUTPUT' }),
      )
  })
})
