import { readFileSync } from 'node:fs'
import { quantize, transform } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { wasmRuntime } from '@tp/runtime-web'
import { expect, test } from 'vitest'

const texts = [16, 9, 3, 16].map((length, row) =>
  Array.from({ length }, (_, i) => 5 + ((i * 7919 + row * 104_729) % 8000)),
)

/** Texts as one batch, padded to the longest. */
function batchOf(ids: readonly (readonly number[])[]): NamedTensors {
  const width = Math.max(...ids.map(({ length }) => length))
  const tensor = (at: (row: readonly number[], i: number) => number): TensorLike => ({
    type: 'int64',
    dims: [ids.length, width],
    data: BigInt64Array.from(ids.flatMap((row) => Array.from({ length: width }, (_, i) => BigInt(at(row, i))))),
  })
  return {
    input_ids: tensor((row, i) => row[i] ?? 0),
    attention_mask: tensor((row, i) => Number(i < row.length)),
  }
}

test('wasm answers a text with the same bits alone and in a batch, if the file is in 8 bits with a scale for each token', async () => {
  const dense = decodeModel(readFileSync(modelPath('mail')))
  const { model } = transform(dense, quantize())
  await using session = await wasmRuntime().load(encodeModel(model), { threads: 1 })
  await using float = await wasmRuntime().load(encodeModel(dense), { threads: 1 })
  const logits = async (own: typeof session, ids: readonly (readonly number[])[]): Promise<number[]> =>
    Array.from((await own.run(batchOf(ids))).logits?.data ?? [], Number)
  const together = await logits(session, texts)
  for (const [row, text] of texts.entries()) {
    const alone = await logits(session, [text])
    expect(alone).toEqual(together.slice(2 * row, 2 * row + 2))
    const exact = await logits(float, [text])
    expect(Math.hypot(...alone.map((x, i) => x - (exact[i] as number)))).toBeLessThan(0.1 * Math.hypot(...exact))
  }
})
