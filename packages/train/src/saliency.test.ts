import { readFileSync } from 'node:fs'
import { cast, evaluate, gatherElements, matmul, mean, mul, sum, type Tensor, tanh, unsqueeze } from '@tp/core'
import { arrayOf, expectClose, type GoldenCase, rowsOf, tensorOf } from '@tp/core/testing'
import { loadTokenizer, textDataset, textInputs } from '@tp/eval'
import { mailData, modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { attribution, saliencyOf, tokenSaliency } from './index.ts'

/** The stand-in model of a case: logits = mean over all positions of (tanh(x W₁) · valid) W₂; of them the label's. */
function standIn({ inputs }: GoldenCase): { embedded: Tensor; real: Tensor; answer: Tensor } {
  const [embedded, w1, w2] = ['x', 'W1', 'W2'].map((name) => tensorOf(arrayOf(inputs, name))) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  const real = cast(tensorOf(arrayOf(inputs, 'valid')), 'float32')
  const logits = matmul(mean(mul(tanh(matmul(embedded, w1)), unsqueeze(real, [2])), 1), w2)
  const labels = unsqueeze(tensorOf(arrayOf(inputs, 'labels')), [1])
  return { embedded, real, answer: sum(gatherElements(logits, labels, 1), [0, 1]) }
}

function rows(tensor: Tensor): number[][] {
  const [{ dims, data } = { dims: [], data: [] }] = evaluate([tensor], {})
  return rowsOf({ dtype: 'float32', shape: dims, data: Array.from(data as ArrayLike<number>) })
}

describe('numbers of the authors’ code (AdapLeR)', () => {
  test('adapler/saliency-l2', () => {
    const golden = goldenCase('adapler/saliency-l2')
    const { answer, embedded, real } = standIn(golden)
    // theirs is not brought to a largest value of 1 here
    const wanted = rowsOf(arrayOf(golden.outputs, 'saliency')).map((row) => row.map((x) => x / Math.max(...row)))
    rows(tokenSaliency(answer, embedded, real)).forEach((row, i) => {
      expectClose(row, wanted[i] as number[], `example ${i}`)
    })
  })

  test('adapler/saliency-mean-minmax', () => {
    const golden = goldenCase('adapler/saliency-mean-minmax')
    const { answer, embedded } = standIn(golden)
    // Their other aggregation, gradient times value summed up and brought to 0 … 1, is not built in: what it adds up is.
    const wanted = rowsOf(arrayOf(golden.outputs, 'saliency'))
    rows(sum(attribution(answer, embedded), 2)).forEach((row, i) => {
      const [low, high] = [Math.min(...row), Math.max(...row)]
      expectClose(
        row.map((x) => (x - low) / (high - low)),
        wanted[i] as number[],
        `example ${i}`,
      )
    })
  })
})

test('mails: 1 for what counts most, 0 for padding, whatever a mail is batched with', { timeout: 60_000 }, async () => {
  const runtime = nodeRuntime()
  const bytes = readFileSync(modelPath('mail'))
  await using session = await runtime.load(bytes, { threads: 1 })
  const mails = textDataset('mails', mailData('dev').slice(0, 12))
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 30 })
  const options = { model: decodeModel(bytes), runtime, inputs }
  const [alone, together] = await Promise.all([1, 5].map((batchSize) => saliencyOf({ ...options, batchSize })))
  for (let row = 0; row < 12; row++) {
    const length = inputs.lengths?.[row] as number
    const [one, other] = [alone?.(row) ?? [], together?.(row) ?? []].map((list) => Array.from(list)) as [
      number[],
      number[],
    ]
    expect(one).toHaveLength(length)
    expect(Math.max(...one)).toBe(1)
    expect(Math.min(...one)).toBeGreaterThan(0)
    one.forEach((x, i) => {
      expect(Math.abs(x - (other[i] as number))).toBeLessThan(1e-4)
    })
    expect(other.slice(length).every((x) => x === 0)).toBe(true)
  }
  expect(() => alone?.(12)).toThrow('there is no saliency of example 12')
})
