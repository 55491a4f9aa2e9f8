import { type Html, html } from './html.ts'

/** The columns of a table, by heading. */
export type HtmlColumns<Row> = Readonly<Record<string, (row: Row) => string | Html>>

/** A control, or what everything is compared with. */
export type Kind = 'control' | 'base' | undefined

/** Columns of words, which are on the left and may be broken. */
const WORDS = ['setting', 'chosen', 'use this', 'command']

/** A table, of which each row is a list on a narrow page; nothing without rows. */
export function table<Row>(
  caption: string,
  columns: HtmlColumns<Row>,
  rows: readonly Row[],
  kindOf: (row: Row) => Kind = () => undefined,
): Html {
  if (rows.length === 0) return html``
  const headings = Object.keys(columns)
  const words = headings.map((heading) => (WORDS.includes(heading) ? html` class="words"` : ''))
  const body = rows.map((row) => {
    const kind = kindOf(row)
    const cells = Object.values(columns).map(
      (cell, i) => html`<td${words[i]} data-label="${headings[i]}">${cell(row)}</td>`,
    )
    return html`<tr${kind ? html` class="${kind}"` : ''}>${cells}</tr>\n`
  })
  return html`<p class="caption">${caption}.</p><div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table>
<thead><tr>${headings.map((heading, i) => html`<th scope="col"${words[i]}>${heading}</th>`)}</tr></thead>
<tbody>${body}</tbody></table></div>`
}
