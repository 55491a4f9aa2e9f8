import { expect, test } from 'vitest'
import { expectedLosses } from './expected-losses.ts'

const logits = Float32Array.from([Math.log(3), 0, 0, 0, 0, Math.log(4)])

test('charges a different answer by how sure the model was of its own', () => {
  const costs = expectedLosses({ logits, classes: 2 }, [1, 1, 0])
  expect(costs[0]).toBeCloseTo(50, 4)
  expect(costs[1]).toBeCloseTo(0, 4)
  expect(costs[2]).toBeCloseTo(60, 4)
})

test('charges nothing for equal answers', () => {
  expect(expectedLosses({ logits, classes: 2 }, [0, 0, 1])).toEqual([0, 0, 0])
})

test('ignores what is added to all logits, and takes large ones', () => {
  const raised = logits.map((logit) => logit + 1000)
  const [first] = expectedLosses({ logits: raised, classes: 2 }, [1, 1, 0])
  expect(first).toBeCloseTo(50, 2)
})
