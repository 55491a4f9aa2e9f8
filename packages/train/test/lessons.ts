import { readFileSync } from 'node:fs'
import { evaluate, loadTokenizer, type ModelInputs, textDataset, textInputs } from '@tp/eval'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** The embedded encoder of six blocks. */
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
