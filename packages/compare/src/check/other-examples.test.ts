import { addChosenOn } from '@tp/compiler'
import type { TaskData } from '@tp/data'
import { joinMarks, type ModelInputs } from '@tp/data/inputs'
import { createModel, Graph, type Model } from '@tp/onnx'
import { expect, test } from 'vitest'
import { otherExamples } from './other-examples.ts'

const examples = (first: number, count: number): ModelInputs => {
  const keys = Array.from({ length: count }, (_, i) => `text ${first + i}`)
  const rows = Array.from(keys, () => 0)
  return { source: 'texts', keys, targets: rows, lengths: rows, feeds: [], notes: [] } as unknown as ModelInputs
}
const madeOn = async (...parts: ModelInputs[]): Promise<Model> => {
  const { model } = new Graph(createModel(17))
  for (const part of parts) addChosenOn(model, await joinMarks([part]))
  return model
}
const dataOf = (inputs: ModelInputs): TaskData => ({ task: 'classification', inputs }) as TaskData
const seen = async (model: Model, inputs: ModelInputs) => {
  const { data, ...rest } = await otherExamples(model, dataOf(inputs), 1)
  return { ...rest, judged: data.inputs.targets.length }
}

test('judges by examples that no step of a model was made on, if these are enough', async () => {
  const model = await madeOn(examples(0, 40), examples(40, 40))
  expect(await seen(model, examples(100, 50))).toEqual({ chose: 0, isUnsure: false, isOfOthers: true, judged: 50 })
  expect(await seen(model, examples(0, 140))).toEqual({ chose: 80, isUnsure: false, isOfOthers: true, judged: 60 })
  expect(await seen(model, examples(0, 100))).toEqual({ chose: 80, isUnsure: false, isOfOthers: false, judged: 100 })
})

test('takes examples for others where enough of them are outside of what a sample would remember, and those alone otherwise', async () => {
  const model = await madeOn(examples(0, 40_000))
  expect(await seen(model, examples(50_000, 1000))).toMatchObject({ chose: 0, isOfOthers: true, judged: 1000 })
  // A quarter of the marks are remembered, so of 1,000 others about 250 are known to be others.
  const mixed = await seen(model, examples(39_500, 1500))
  expect(mixed).toMatchObject({ isUnsure: true, isOfOthers: true })
  expect(Math.abs(mixed.judged - 250)).toBeLessThan(70)
  expect(await seen(model, examples(50_000, 60))).toMatchObject({ isUnsure: true, isOfOthers: false, judged: 60 })
})
