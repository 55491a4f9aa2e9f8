import { type Html, html } from './html.ts'

export interface Column {
  readonly heading: string
  /** Words are to the left and may be broken. */
  readonly words?: true
}

export interface TableRow {
  readonly cells: readonly (string | Html)[]
  /** A control, or what everything is compared with. */
  readonly kind?: 'control' | 'base' | undefined
}

/** A table that scrolls by itself where the page is narrow, its caption staying where it is. */
export function table(caption: string, columns: readonly Column[], rows: readonly TableRow[]): Html {
  return html`<p class="caption">${caption}.</p><div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table>
<thead><tr>${columns.map(({ heading, words }) => html`<th scope="col"${words ? html` class="words"` : ''}>${heading}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ cells, kind }) =>
      html`<tr${kind ? html` class="${kind}"` : ''}>${cells.map((cell, i) => html`<td${columns[i]?.words ? html` class="words"` : ''}>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`
}
