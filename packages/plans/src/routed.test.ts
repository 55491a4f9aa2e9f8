import { readFileSync } from 'node:fs'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { routed } from './index.ts'

const file = readFileSync(modelPath('mail'))
const runtime = nodeRuntime()

function feeds(batch: number, tokens: number) {
  const count = batch * tokens
  return {
    input_ids: {
      type: 'int64',
      dims: [batch, tokens],
      data: BigInt64Array.from({ length: count }, (_, i) => BigInt(5 + ((i * 31) % 900))),
    },
    attention_mask: { type: 'int64', dims: [batch, tokens], data: new BigInt64Array(count).fill(1n) },
  }
}

test('sends runs to the session for their size, and disposes of all sessions', async () => {
  const result = transform(
    decodeModel(file),
    prune({ method: receivedAttention(), schedule: schedule(6, { keep: 0.3 }) }),
  )
  const [dense, pruned] = [
    await runtime.load(file, { threads: 1 }),
    await runtime.load(encodeModel(result.model), { threads: 1 }),
  ]
  const both = routed([{ upTo: 32, session: dense }, { session: pruned }])
  for (const [batch, tokens, own] of [
    [1, 32, dense],
    [4, 8, dense],
    [1, 33, pruned],
    [5, 8, pruned],
  ] as const) {
    const inputs = feeds(batch, tokens)
    const { logits } = await both.run(inputs)
    expect(logits?.data).toEqual((await own.run(inputs)).logits?.data)
    const other = own === dense ? pruned : dense
    expect(logits?.data).not.toEqual((await other.run(inputs)).logits?.data)
  }
  await both.dispose()
  await expect(both.run(feeds(1, 8))).rejects.toThrow(expect.objectContaining({ code: 'TP_DISPOSED' }))
  await expect(dense.run(feeds(1, 8))).rejects.toThrow(expect.objectContaining({ code: 'TP_DISPOSED' }))
  await expect(pruned.run(feeds(1, 8))).rejects.toThrow(expect.objectContaining({ code: 'TP_DISPOSED' }))
})

test('refuses limits that do not rise and models with other inputs', async () => {
  await using mail = await runtime.load(file, { threads: 1 })
  await using digits = await runtime.load(modelPath('digits-vit'), { threads: 1 })
  const code = expect.objectContaining({ code: 'TP_OPTION' })
  expect(() => routed([{ upTo: 8, session: mail }])).toThrow(code)
  expect(() => routed([{ upTo: 8, session: mail }, { upTo: 8, session: mail }, { session: mail }])).toThrow(code)
  expect(() => routed([{ upTo: 8, session: mail }, { session: digits }])).toThrow(code)
})
