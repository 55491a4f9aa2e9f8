import { expect, test } from 'vitest'
import { labelFiles } from './labeled-files.ts'

const labels = ['cat', 'dog']
const labelsOf = (files: readonly string[], names?: readonly string[]) =>
  labelFiles(
    '/data',
    files.map((file) => `/data/${file}`),
    { labels: names },
  ).map(({ label }) => label)

test('the class is the folder, or the beginning of a name, whichever the model knows', () => {
  expect(labelsOf(['cat/img__1.png', 'dog__2.png'], labels)).toEqual([0, 1])
  expect(labelsOf(['tom/dog__1.png', 'cat__2.png'], labels)).toEqual([1, 0])
  expect(labelsOf(['dog/dog__1.png', 'dog/CAT-dog.png'], labels)).toEqual([1, 1])
  expect(labelsOf(['3/scan__9.png'])).toEqual([3])
})

test('refuses a name and a folder of two classes', () => {
  expect(() => labelsOf(['cat/dog__1.png'], labels)).toThrow(
    'has the label "dog" by its name and "cat" by its folder; rename one of them',
  )
  expect(() => labelsOf(['tom/img__1.png'], labels)).toThrow('unknown label "img"')
})
