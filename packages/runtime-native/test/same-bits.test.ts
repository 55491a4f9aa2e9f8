// A packed 8-bit file gives each mail the same bits in any batch: rows, sums of integers and attention know nothing of one another.
import { readFileSync } from 'node:fs'
import { pack, quantize, transform } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { numbers } from 'exported-encoders'
import fc from 'fast-check'
import { test } from 'vitest'
import { nativeRuntime } from '../src/index.ts'
import { describeNative } from './native.ts'

/** So many random batches, padded by up to 8 tokens more than needed. */
async function checkBatches(count: number): Promise<void> {
  const eight = transform(decodeModel(readFileSync(modelPath('mail'))), quantize({ reduceRange: true }), pack())
  await using session = await nativeRuntime().load(encodeModel(eight.model), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = await textInputs(textDataset('mails', mailData('test').slice(0, 40)), session.inputs, tokenizer, {
    maxTokens: 128,
  })
  const rows = [...mails.targets.keys()]
  const alone: number[][] = []
  for (const row of rows) alone.push(numbers((await session.run(await mails.feeds([row]))).logits))
  const batch = fc.uniqueArray(fc.constantFrom(...rows), { minLength: 2, maxLength: 16 })
  await fc.assert(
    fc.asyncProperty(batch, fc.integer({ min: 0, max: 8 }), async (own, more) => {
      const logits = numbers((await session.run(widened(await mails.feeds(own), more))).logits)
      const expected = own.flatMap((row) => alone[row] as number[])
      return logits.length === expected.length && logits.every((x, i) => Object.is(x, expected[i]))
    }),
    { numRuns: count },
  )
}

/** The same texts with more padding. */
function widened(feeds: NamedTensors, more: number): NamedTensors {
  const wide = ({ type, dims, data }: TensorLike): TensorLike => {
    const [count = 0, length = 0] = dims
    const all = new BigInt64Array(count * (length + more))
    for (let row = 0; row < count; row++) {
      all.set((data as BigInt64Array).subarray(row * length, (row + 1) * length), row * (length + more))
    }
    return { type, dims: [count, length + more], data: all }
  }
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, wide(tensor)]))
}

describeNative('a packed file in 8 bits', () => {
  test('gives a mail the same bits in each of 20 random batches', () => checkBatches(20))
})
