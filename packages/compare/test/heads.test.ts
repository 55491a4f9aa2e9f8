import { readFileSync } from 'node:fs'
import { prepareInputs } from '@tp/data'
import { textDataset } from '@tp/data/inputs'
import { answerHead } from '@tp/data/outputs'
import { mailData, modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { evaluate } from '../src/answers/evaluate.ts'
import { rank } from '../src/answers/ranking.ts'
import { type MailHead, mailHead } from './heads.ts'

const ofClass = (own: number) =>
  mailData('test')
    .filter(({ label }) => label === own)
    .slice(0, 20)
const mails = textDataset('mails', [...ofClass(0), ...ofClass(1)])
const options = { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: 48 }

async function denseAnswers() {
  await using session = await nodeRuntime().load(readFileSync(modelPath('mail')), { threads: 1 })
  return await evaluate(session, await prepareInputs(mails, session.inputs, options), { batchSize: 8 })
}

test.each<MailHead>(['sigmoid', 'sigmoid of a row', 'one class of a softmax', 'softmax'])(
  'answers by %s as by its logits',
  async (head) => {
    const model = mailHead(head)
    const dense = await denseAnswers()
    await using session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
    // By the graph, and where nobody has looked at it by all answers together.
    for (const answerForm of [answerHead(model)?.form, undefined]) {
      const inputs = await prepareInputs(mails, session.inputs, { ...options, answerForm })
      const own = await evaluate(session, inputs, { batchSize: 8 })
      expect(own.predictions).toEqual(dense.predictions)
      expect(new Set(own.predictions)).toEqual(new Set([0, 1]))
      const margins = (logits: Float32Array) => dense.predictions.map((_, i) => logits[2 * i + 1]! - logits[2 * i]!)
      const expected = margins(dense.logits)
      for (const [i, margin] of margins(own.logits).entries()) expect(margin).toBeCloseTo(expected[i] as number, 2)
    }
  },
)

test('ranks by the logits of a sigmoid', async () => {
  const model = mailHead('sigmoid')
  const dense = await denseAnswers()
  await using session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
  const inputs = await prepareInputs(mails, session.inputs, { ...options, answerForm: answerHead(model)?.form })
  const { scores } = await rank(session, inputs, { batchSize: 8 })
  for (const [i, score] of scores.entries())
    expect(score).toBeCloseTo((dense.logits[2 * i + 1] as number) - (dense.logits[2 * i] as number), 2)
})
