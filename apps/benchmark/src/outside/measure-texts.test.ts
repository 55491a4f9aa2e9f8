import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { vectorsOf } from './measure-texts.ts'

test('knows the vector of each text by its tokens, in batches and orders of any kind', async () => {
  await using mail = await nodeRuntime().load(modelPath('mail'), { threads: 1 })
  const texts = ['win a prize', 'the meeting is on Monday at ten', 'hello']
  const dataset = textDataset(
    'some',
    texts.map((text) => ({ text, label: 0 })),
  )
  const inputs = await textInputs(dataset, mail.inputs, await loadTokenizer(modelPath('mail', 'tokenizer')))
  const embed = async (some: readonly string[]) => ({
    type: 'float32' as const,
    dims: [some.length, 2],
    data: Float32Array.from(some.flatMap((text) => [text.length, texts.indexOf(text)])),
  })
  await using session = await vectorsOf(inputs, mail.inputs, texts, embed)
  const { sentence_embedding: vectors } = await session.run(await inputs.feeds([2, 0, 1]))
  expect([vectors?.dims, [...(vectors?.data ?? [])]]).toEqual([
    [3, 2],
    [5, 2, 11, 0, 31, 1],
  ])
  const others = textDataset('others', [{ text: 'somebody else', label: 0 }])
  const unknown = await textInputs(others, mail.inputs, await loadTokenizer(modelPath('mail', 'tokenizer')))
  await expect(session.run(await unknown.feeds([0]))).rejects.toThrow('no text has the tokens')
})
