import { describe, expect, test } from 'vitest'
import { classOf, requireClass } from './labels.ts'

describe('classOf', () => {
  test('takes names in any case, and numbers', () => {
    const labels = ['negative', 'Positive']
    expect(['negative', 'POSITIVE', ' positive ', '0', '1'].map((label) => classOf(label, labels))).toEqual([
      0, 1, 1, 0, 1,
    ])
  })

  test('prefers a name to a number', () => {
    expect(classOf('1', ['1', '2', '3'])).toBe(0)
    expect(classOf('0', ['1', '2', '3'])).toBe(0)
  })

  test('prefers the exact name to one in another case', () => {
    expect(classOf('US', ['us', 'US'])).toBe(1)
  })

  test('finds no class for anything else', () => {
    for (const label of ['2', '-1', '1.5', '', 'neutral'])
      expect(classOf(label, ['negative', 'positive'])).toBeUndefined()
    expect(classOf('positive', undefined)).toBeUndefined()
    expect(classOf('7', undefined)).toBe(7)
    expect(classOf('1.0', ['negative', 'positive'])).toBe(1)
  })
})

test('shows the known labels next to an unknown one', () => {
  expect(() => requireClass('neutral', ['negative', 'positive'], 'x.tsv, line 3')).toThrow(
    '[data] x.tsv, line 3: unknown label "neutral"; the model knows negative, positive, or their numbers 0…1',
  )
  expect(() => requireClass('neutral', undefined, 'x.tsv, line 3')).toThrow(
    'class names are not known; give them as labels (--read labels=NAME,NAME…)',
  )
  expect(() => requireClass('3.5', undefined, 'x.tsv, line 3')).toThrow(
    'the label "3.5" is not the number of a class; where the model estimates such numbers, give the task regression',
  )
})

test('refuses a name of several classes, and takes their numbers', () => {
  const labels = ['crane', 'kite', 'crane']
  expect(['kite', '0', '2'].map((label) => requireClass(label, labels, 'birds'))).toEqual([1, 0, 2])
  expect(() => requireClass('crane', labels, 'birds/crane/1.png')).toThrow(
    'birds/crane/1.png: the model has several classes called "crane"; label such examples by the number of their class',
  )
})
