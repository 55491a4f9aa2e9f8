import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { tokensFirstEncoder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { inputsOf, plainEncoder } from './encoders.ts'
import { difference, numbers, run } from './run.ts'

const layerCount = 3

const tokensFirst = (norm: 'pre' | 'post'): Model => decodeModel(tokensFirstEncoder({ norm, head: 'first token' }))

function pruned(model: Model, layers: readonly number[]): Model {
  const options = { method: receivedAttention(), schedule: schedule(layerCount, { layers, tokens: 5 }), protect: [0] }
  return decodeModel(encodeModel(transform(model, prune(options)).model))
}

describe.each(['post', 'pre'] as const)('a %s-norm encoder with tokens first', (norm) => {
  test('keeps its layers open once it was pruned', () => {
    expect(inspect(pruned(tokensFirst(norm), [0, 1]))).toMatchObject({ ok: true, open: 2 })
  })

  test('answers the same pruned in two steps as in one', async () => {
    const model = tokensFirst(norm)
    const inputs = inputsOf(plainEncoder, 3, 10, 5)
    const [once, twice] = [pruned(model, [0, 1]), pruned(pruned(model, [0]), [1])]
    const [expected, actual] = [await run(encodeModel(once), inputs), await run(encodeModel(twice), inputs)]
    expect(difference(numbers(actual.output), numbers(expected.output))).toBeLessThan(1e-5)
  })
})
