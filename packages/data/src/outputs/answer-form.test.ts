import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { answerHead } from './answer-form.ts'

type Operators = readonly (readonly [type: string, ...more: string[]])[]

/** The mail model, whose logits go through some operators into the output `answer`. */
function mailWith(operators: Operators, dims: readonly (string | number)[] = ['batch', 2]): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  const [output] = graph.outputs
  const logits = output?.name ?? ''
  graph.addInitializer('one', { type: 'int64', dims: [], data: BigInt64Array.of(1n) })
  graph.addInitializer('many', { type: 'float32', dims: [1], data: Float32Array.of(5) })
  const nodes = operators.map(([type, ...more], i) => {
    const last = i === operators.length - 1
    return createNode({
      type,
      inputs: [i === 0 ? logits : `value${i}`, ...more],
      outputs: [last ? 'answer' : `value${i + 1}`],
      ...(type === 'Gather' && { attributes: { axis: 1 } }),
    })
  })
  graph.insert(nodes)
  graph.addOutput('answer', 'float32', [...dims])
  graph.removeOutput(logits)
  return model
}

const logits = new Graph(decodeModel(readFileSync(modelPath('mail')))).outputs[0]?.name

test.each<[string, Operators, (string | number)[] | undefined, object | undefined]>([
  ['logits', [['Identity']], undefined, { form: 'logits' }],
  ['a softmax', [['Softmax']], undefined, { form: 'softmax', logits }],
  ['a softmax and casts', [['Softmax'], ['Identity'], ['Cast']], undefined, { form: 'softmax', logits }],
  ['sigmoids', [['Sigmoid']], undefined, { form: 'sigmoid', logits }],
  ['a logarithm of a softmax', [['LogSoftmax']], undefined, { form: 'logits' }],
  ['the same in two steps', [['Softmax'], ['Log']], undefined, { form: 'logits' }],
  ['one class of a softmax', [['Softmax'], ['Gather', 'one']], ['batch'], { form: 'sigmoid', logits: undefined }],
  ['one class of logits', [['Gather', 'one'], ['Sigmoid']], ['batch'], { form: 'sigmoid', logits: 'value1' }],
  ['a scaled sigmoid', [['Sigmoid'], ['Mul', 'many']], undefined, undefined],
])('reads from the graph that answers are %s', (_, operators, dims, expected) => {
  const found = answerHead(mailWith(operators, dims))
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject(expected)
})

test('says nothing of a model with several outputs of that form', () => {
  const model = mailWith([['Sigmoid']])
  new Graph(model).addOutput('other', 'float32', ['batch', 3])
  expect(answerHead(model)).toBeUndefined()
})
