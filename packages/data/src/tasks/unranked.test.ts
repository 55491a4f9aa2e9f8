import { expect, test } from 'vitest'
import { competes } from '../datasets/ranking.ts'
import { unranked } from './unranked.ts'

const inputs = (targets: number[]) => ({
  ...{
    source: 'pairs.tsv',
    targets,
    lengths: undefined,
    preparationMs: undefined,
    notes: [],
    ranking: { queries: [] },
  },
  feeds: async () => ({}),
})

test('knows whether candidates have others of their query', () => {
  expect(competes({ queries: [0, 0, 1, 1] })).toBe(true)
  expect(competes({ queries: [0, 0, 1, 2] })).toBe(true)
  expect(competes({ queries: [0, 1, 2, 3] })).toBe(false)
  expect(competes({ queries: [0, 0, 1, 2, 3] })).toBe(false)
})

test('takes pairs with zeros and ones for classes, and with other numbers or none for estimates', () => {
  const queries = [0, 1, 2]
  const ofClasses = unranked(inputs([0, 1, 1]), { queries, relevance: [0, 1, 1] }, undefined)
  expect(ofClasses).toMatchObject({ task: 'classification', inputs: { targets: [0, 1, 1] } })
  expect(ofClasses.inputs.ranking).toBeUndefined()
  const scores = [0, 2.5, 5]
  expect(unranked(inputs([0, 1, 1]), { queries, relevance: scores }, undefined)).toMatchObject({
    task: 'regression',
    inputs: { targets: [-1, -1, -1], estimates: { scores } },
  })
  const unjudged = unranked(inputs([-1, -1, -1]), { queries }, undefined)
  expect(unjudged).toMatchObject({
    task: 'regression',
    inputs: { estimates: {}, notes: [expect.stringContaining('no labels')] },
  })
})

test('refuses to rank candidates that are alone', () => {
  expect(() => unranked(inputs([0, 1]), { queries: [0, 1] }, 'ranking')).toThrow('most queries have one candidate')
})
