import { pack, transform } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { difference, numbers, seeded } from 'exported-encoders'
import fc from 'fast-check'
import { expect } from 'vitest'
import { nativeRuntime } from '../src/index.ts'

/** Of `encoderWithHead`. */
const vocabulary = 30

/** A batch of random tokens; padding is on the left, on the right, or where it falls. */
function batchOf(lengths: readonly number[], side: 'left' | 'right', seed: number): NamedTensors {
  const [rows, longest] = [lengths.length, Math.max(...lengths)]
  const random = seeded(seed)
  const [ids, mask] = [new BigInt64Array(rows * longest), new BigInt64Array(rows * longest)]
  for (const [row, length] of lengths.entries()) {
    for (let n = 0; n < longest; n++) {
      const isReal = side === 'right' ? n < length : n >= longest - length
      ids[row * longest + n] = isReal ? BigInt(1 + (Math.floor(Math.abs(random()) * 1e4) % (vocabulary - 1))) : 0n
      mask[row * longest + n] = BigInt(isReal)
    }
  }
  const dims = [rows, longest]
  return { input_ids: { type: 'int64', dims, data: ids }, attention_mask: { type: 'int64', dims, data: mask } }
}

/**
 * Packs a model of `encoderWithHead` and compares it with itself on random batches, computed by kernels and by the functions in the file.
 * @returns how many attentions are packed
 */
export async function requireSameAnswers(bytes: Uint8Array): Promise<number | undefined> {
  const { model, reports } = transform(decodeModel(bytes), pack())
  await using padded = await nodeRuntime().load(bytes)
  const made = encodeModel(model)
  await using kernels = await nativeRuntime().load(made)
  await using functions = await nodeRuntime().load(made)
  const batches = fc.record({
    lengths: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
    side: fc.constantFrom<'left' | 'right'>('left', 'right'),
    seed: fc.nat(1000),
  })
  await fc.assert(
    fc.asyncProperty(batches, async ({ lengths, side, seed }) => {
      const feeds = batchOf(lengths, side, seed)
      const expected = await padded.run(feeds)
      for (const packed of [kernels, functions]) {
        const seen = await packed.run(feeds)
        expect(difference(numbers(seen.output), numbers(expected.output))).toBeLessThan(1e-5)
      }
    }),
    { numRuns: 12 },
  )
  return reports[0].attentions
}
