import { expect, test } from 'vitest'
import { budgetText, learnedName } from './settings.ts'

test.each([
  ['sdtp-50-0', { beginning: '', method: 'sdtp', share: 0.5 }],
  ['tr-bert-35-2', { beginning: '', method: 'tr-bert', share: 0.35 }],
  ['imdb-fine-tuned-50-0', { beginning: 'imdb-', method: 'fine-tuned', share: 0.5 }],
  ['fashion-dynamicvit-60', { beginning: 'fashion-', method: 'dynamicvit', share: 0.6 }],
  ['notes', undefined],
])('reads the name of the file %s', (file, name) => expect(learnedName(file)).toEqual(name))

test.each([
  [{ keep: 0.6, layers: [0] }, 'keep 0.6 once, in layer 0'],
  [{ keep: 0.7, layers: [1, 2, 3, 4] }, 'keep 0.7 in each of layers 1 to 4'],
  [
    { keep: [0.6, 0.9, 0.9, 0.9], layers: [0, 1, 2, 3] },
    'keep 0.6 once, in layer 0, then keep 0.9 in each of layers 1 to 3',
  ],
  [{ keep: [0.7, 0.6, 0.5], layers: [0, 2, 3] }, 'keep 0.7, 0.6, 0.5 in each of layers 0, 2, 3'],
  [{ mass: 0.8, layers: [0, 1] }, 'mass 0.8 in each of layers 0, 1'],
])('says budget %# in words', (budget, text) => expect(budgetText(budget)).toBe(text))
