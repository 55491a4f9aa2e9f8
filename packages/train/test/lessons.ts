import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import type { NamedTensors } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** The embedded encoder of six layers. */
export const mail: Model = decodeModel(readFileSync(modelPath('mail')))

/** So many short mails, as the encoder takes them, and its answers. */
export async function mailLessons(
  count: number,
  maxTokens: number,
): Promise<{ readonly inputs: ModelInputs; readonly teacher: Float32Array }> {
  await using session = await nodeRuntime().load(encodeModel(mail), { threads: 1 })
  const mails = textDataset('mails', mailData('dev').slice(0, count))
  const inputs = await textInputs(mails, session.inputs, await loadTokenizer(modelPath('mail', 'tokenizer')), {
    maxTokens,
  })
  return { inputs, teacher: (await evaluate(session, inputs, { batchSize: 8 })).logits }
}

/** An encoder of three layers, for what has to be measured often. */
export const small: Model = decodeModel(
  readFileSync(
    new URL('../../../tools/exported-encoders/fixtures/distilbert-cls-eager-ts14/model.onnx', import.meta.url),
  ),
)

/** So many examples of 6 to 24 tokens for it, in five classes, and its answers. */
export async function smallLessons(
  count: number,
): Promise<{ readonly inputs: ModelInputs; readonly teacher: Float32Array }> {
  const random = randomNumbers(7)
  const texts = Array.from({ length: count }, () =>
    Array.from({ length: 6 + Math.floor(19 * random()) }, () => 5 + Math.floor(115 * random())),
  )
  const inputs: ModelInputs = {
    source: 'numbers',
    targets: texts.map((_, i) => i % 5),
    lengths: texts.map((ids) => ids.length),
    preparationMs: undefined,
    notes: [],
    feeds: async (rows) => batchOf(rows.map((row) => texts[row] as number[])),
  }
  await using session = await nodeRuntime().load(encodeModel(small), { threads: 1 })
  return { inputs, teacher: (await evaluate(session, inputs, { batchSize: 8 })).logits }
}

function batchOf(texts: readonly (readonly number[])[]): NamedTensors {
  const longest = Math.max(...texts.map((ids) => ids.length))
  const dims = [texts.length, longest]
  const [ids, mask] = [new BigInt64Array(texts.length * longest), new BigInt64Array(texts.length * longest)]
  for (const [row, own] of texts.entries()) {
    for (const [i, id] of own.entries()) {
      ids[row * longest + i] = BigInt(id)
      mask[row * longest + i] = 1n
    }
  }
  return { input_ids: { type: 'int64', dims, data: ids }, attention_mask: { type: 'int64', dims, data: mask } }
}
