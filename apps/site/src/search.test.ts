import { expect, test } from 'vitest'
import { searchedText, weightOf } from './search.ts'

test('guides weigh more than results, and results more than the reference', () => {
  const weights = ['/choose#what-to-expect', '/below/results/web#times', '/api/compiler#quantize'].map((id) =>
    weightOf(id, 'times'),
  )
  expect(weights).toEqual(weights.toSorted((a, b) => b - a))
  expect(new Set(weights).size).toBe(3)
})

test('the page that answers a word weighs most for this word alone', () => {
  expect(weightOf('/below/eight-bits#in-8-bits', 'quantize')).toBeGreaterThan(weightOf('/plans', 'quantize'))
  expect(weightOf('/eight-bits.html', 'gelu')).toBe(weightOf('/plans', 'gelu'))
  // The results have a page of this name, too.
  expect(weightOf('/results/web', 'webgpu')).toBeLessThan(weightOf('/web', 'webgpu'))
})

test('weighs by its own text alone, as a page runs it', () => {
  const alone = new Function(`return ${String(weightOf)}`)() as typeof weightOf
  expect(alone('/web', 'webgpu')).toBe(weightOf('/web', 'webgpu'))
})

test('search reads headings and first sentences of the reference, and no rows of results', () => {
  const text =
    '# core\n\n## softmax\n\nSums to 1.5. More of it.\n\n```ts\nexport function softmax(x: Tensor): Tensor\n```\n\n- **throws** TpError\n'
  expect(searchedText(text, 'api/core.md')).toBe('# core\n\n\n\n## softmax\n\nSums to 1.5.\n\n')
  expect(searchedText('# tome\n\n<figure class="kept">won</figure>\n\n| a |\nMerges.\n', 'methods/tome.md')).toBe(
    '# tome\n\n\nMerges.\n',
  )
  expect(searchedText('| a | b |\n| --- | --- |\nc\n', 'results/index.md')).toBe('c\n')
  expect(searchedText(text, 'choose.md')).toBe(text)
})
