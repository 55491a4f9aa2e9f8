import { expect, test } from 'vitest'
import { learnedName } from './learned-file.ts'

test.each([
  ['sdtp-50-0', { beginning: '', method: 'sdtp', share: 0.5 }],
  ['tr-bert-35-2', { beginning: '', method: 'tr-bert', share: 0.35 }],
  ['imdb-fine-tuned-50-0', { beginning: 'imdb-', method: 'fine-tuned', share: 0.5 }],
  ['fashion-dynamicvit-60', { beginning: 'fashion-', method: 'dynamicvit', share: 0.6 }],
  ['notes', undefined],
])('%s', (file, name) => expect(learnedName(file)).toEqual(name))
