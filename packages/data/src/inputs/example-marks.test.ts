import { expect, test } from 'vitest'
import { exampleMarks, joinMarks, MOST_MARKS, markReader } from './example-marks.ts'
import type { ModelInputs } from './model-inputs.ts'

const examples = (first: number, count: number): ModelInputs => {
  const keys = Array.from({ length: count }, (_, i) => `text ${first + i}`)
  return { source: 'texts', keys, targets: keys.map(() => -1) } as unknown as ModelInputs
}

test('knows every example again, and no other, where few were remembered', async () => {
  const known = markReader(await joinMarks([examples(0, 50), examples(40, 20)]))
  const marks = (await exampleMarks(examples(0, 100))) ?? []
  expect(marks.map(known)).toEqual(marks.map((_, i) => i < 60))
})

test('remembers a sample of too many examples, and leaves open what is outside of it', async () => {
  const text = await joinMarks([examples(0, 3 * MOST_MARKS)])
  expect(text).toHaveLength(7 * MOST_MARKS)
  const known = markReader(text)
  const [own = [], others = []] = [
    await exampleMarks(examples(0, 3000)),
    await exampleMarks(examples(4 * MOST_MARKS, 3000)),
  ]
  const counts = (marks: readonly string[]) =>
    [true, false, undefined].map((answer) => marks.filter((mark) => known(mark) === answer).length)
  const [seen, wrong, open] = counts(own) as [number, number, number]
  expect([wrong, seen + open, seen > 900, seen < 1100]).toEqual([0, 3000, true, true])
  // Marks of 32 bits: one of a hundred thousand is that of another example.
  const [alike, unknown] = counts(others) as [number, number]
  expect([alike <= 1, unknown > 900]).toEqual([true, true])
})
