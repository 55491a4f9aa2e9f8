import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import type { RankingEvaluation } from '../answers/ranking.ts'
import { regressionComparer } from './regression.ts'

test.each([
  ['one number but for its last digits', [2, 2 + 1e-6, 2], /^gives all examples the same estimate, so they cannot/],
  ['several numbers', [2, 2.1, 2], undefined],
])('says of a model that estimates %s what its examples show', (_, scores, verdict) => {
  const inputs = { estimates: { scores: undefined } } as unknown as ModelInputs
  const answers = regressionComparer(inputs).dense({ scores } as unknown as RankingEvaluation)
  expect(answers.verdict).toEqual(verdict && expect.stringMatching(verdict))
})
