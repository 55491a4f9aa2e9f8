import { readFileSync } from 'node:fs'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { Measurer } from '../measurer.ts'
import { inDecidedForm } from './answer-form.ts'

/** The mail model with probabilities, which its last operator does not say. */
const model = decodeModel(readFileSync(modelPath('mail')))
const graph = new Graph(model)
graph.insert([
  createNode({ type: 'Softmax', inputs: ['logits'], outputs: ['p'] }),
  createNode({ type: 'Abs', inputs: ['p'], outputs: ['answer'] }),
])
graph.addOutput('answer', 'float32', ['batch', 2])
graph.removeOutput('logits')

test('decides the form of answers once, by those of the dense model, and keeps what the graph says', async () => {
  const runtime = nodeRuntime()
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 8))
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 32 })
  let known = {}
  const onMeasured = (all: object): void => {
    known = all
  }
  const answering = { measurer: new Measurer({ onMeasured }), model, runtime }
  expect(await inDecidedForm(answering, 'classification', inputs)).toMatchObject({ answerForm: 'softmax' })
  expect(known).toEqual({ 'form of answers': [1] })
  const resumed = {
    ...answering,
    measurer: new Measurer({ known }),
    runtime: { ...runtime, load: () => Promise.reject() },
  }
  expect(await inDecidedForm(resumed, 'classification', inputs)).toMatchObject({ answerForm: 'softmax' })
  const said = { ...inputs, answerForm: 'logits' } as const
  expect(await inDecidedForm(answering, 'classification', said)).toBe(said)
  expect(await inDecidedForm(answering, 'embeddings', inputs)).toBe(inputs)
  const tags = inputs.targets.map((target) => Int32Array.of(1 - target, target))
  const ofLabels = { ...inputs, tags, unit: 'labels' }
  const other = { ...answering, measurer: new Measurer({}) }
  expect(await inDecidedForm(other, 'multi-label', ofLabels)).toMatchObject({ answerForm: 'sigmoid' })
})
