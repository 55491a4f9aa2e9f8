import { expect, test } from 'vitest'
import { titleOf } from './title.ts'

test('names the lengths of more examples than a call has arguments', async () => {
  const lengths = Array.from({ length: 300_000 }, (_, i) => 3 + (i % 50))
  const inputs = { source: 'corpus', targets: lengths, lengths, preparationMs: undefined, notes: [] }
  expect(await titleOf('a/model.onnx', { ...inputs, feeds: async () => ({}) }, undefined)).toMatch(
    /^model {2}model\.onnx {3}300,000 examples, 3 … 52 tokens {3}onnxruntime/,
  )
})
