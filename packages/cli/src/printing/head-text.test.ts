import { expect, test } from 'vitest'
import { headText } from './head-text.ts'

test('says that image tokens are handed to a language model', () => {
  const head = [{ output: 'image_features', reads: [{ kind: 'positions' as const }], normalized: false }]
  expect(headText(head)).toMatch(/^image_features: every token at its position.*, and handed to a language model/)
  expect(headText(head.map((own) => ({ ...own, output: 'depth' })))).not.toContain('language model')
})
