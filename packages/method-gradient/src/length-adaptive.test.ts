import { readFileSync } from 'node:fs'
import { prune, soften, transform } from '@tp/compiler'
import { isTpError, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { testMethod } from '@tp/core/testing'
import { modelPath } from '@tp/models'
import { decodeModel, emitModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { expect, test } from 'vitest'
import { lengthAdaptive } from './index.ts'

testMethod(lengthAdaptive(), { run })

test('trains with what pruning the tokens gives, at any shares', async () => {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const method = lengthAdaptive()
  const layers = [0, 2, 3]
  const soft = soften(model, { method, layers, params: () => ({}) })
  await using learning = await nodeRuntime().load(emitModel({ logits: soft.value('logits') }), { threads: 1 })
  const texts = [
    Array.from({ length: 20 }, (_, i) => 10 + 37 * i),
    [101, 2000, 1500, 77],
    [101, 99, 1234, 4, 5, 6, 7, 8],
  ]
  const share = fc.integer({ min: 2, max: 20 }).map((parts) => parts / 20)
  await fc.assert(
    fc.asyncProperty(fc.tuple(share, share, share), async (shares) => {
      const inputs = batchOf(texts)
      const ratios = layers.map((layer, i): [string, TensorLike] => [
        `tp.ratio.${layer}`,
        { type: 'float32', dims: [3], data: new Float32Array(3).fill(shares[i] as number) },
      ])
      const seen = await learning.run({ ...inputs, ...Object.fromEntries(ratios) })
      const pruned = transform(model, prune({ method, schedule: schedule(6, { layers, keep: shares }) }))
      await using session = await nodeRuntime().load(encodeModel(pruned.model), { threads: 1 })
      const expected = (await session.run(inputs)).logits?.data as Float32Array
      const logits = seen.logits?.data as Float32Array
      logits.forEach((logit, i) => {
        expect(Math.abs(logit - (expected[i] as number))).toBeLessThan(1e-4)
      })
    }),
    { numRuns: process.env.TP_EXHAUSTIVE ? 5 : 3, endOnFailure: true },
  )
})

function batchOf(texts: readonly (readonly number[])[]): NamedTensors {
  const longest = Math.max(...texts.map((ids) => ids.length))
  const each = (at: (ids: readonly number[], i: number) => number): TensorLike => {
    const numbers = texts.flatMap((ids) => Array.from({ length: longest }, (_, i) => at(ids, i)))
    return { type: 'int64', dims: [texts.length, longest], data: BigInt64Array.from(numbers, BigInt) }
  }
  return { input_ids: each((ids, i) => ids[i] ?? 0), attention_mask: each((ids, i) => (i < ids.length ? 1 : 0)) }
}

test.each([{ copies: 1 }, { lowest: 0 }, { lowest: 2 }])('refuses %o', (options) => {
  try {
    lengthAdaptive(options)
    expect.unreachable()
  } catch (error) {
    expect(isTpError(error) && error.code).toBe('TP_OPTION')
  }
})

testLearning(lengthAdaptive({ lowest: 0.6 }), {
  schedule: schedule(6, { layers: [1, 3], keep: 0.6 }),
  falls: 0.95,
  settings: { batchSize: 4, epochs: 2 },
  tags: ['exhaustive'],
})
