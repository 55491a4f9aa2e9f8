import { expect, test } from 'vitest'
import { recipesTable } from './recipes-table.mjs'

test('lists the methods for each kind of model, with their layers and evidence', () => {
  const recipe = {
    inputs: ['texts'],
    answers: ['scores'],
    layers: ['thirds', 'middle'],
    evidence: 'docs/rerankers.md: layers',
  }
  const table = recipesTable([
    { methods: [{ name: 'tome', recipes: [/** @type {never} */ (recipe)] }, { name: 'ats' }] },
  ])
  expect(table).toContain(
    '| rerankers, and other scores of pairs | `tome` (one at a third, one at two thirds; the middle one) | [layers](rerankers.md) |',
  )
  expect(table).toContain('| taggers, spans | no pruning |')
})
