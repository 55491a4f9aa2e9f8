import { expect, test } from 'vitest'
import { html, raw } from './html.ts'

test('escapes values and not pieces of pages, and joins lists', () => {
  const item = (text: string) => html`<li title="${text}">${text}</li>`
  expect(html`<ul>${['a<b', '"c"'].map(item)}</ul>${raw('<hr>')}${undefined}${false}${3}`.html).toBe(
    '<ul><li title="a&lt;b">a&lt;b</li><li title="&quot;c&quot;">&quot;c&quot;</li></ul><hr>3',
  )
})
