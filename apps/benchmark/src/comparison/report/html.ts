/** A piece of a page, safe to be put into another. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | undefined | false | readonly Part[]

/** A template whose values are escaped, unless they are pieces of a page themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { html: strings.reduce((text, string, i) => text + textOf(values[i - 1]) + string) }
}

/** Markup that was made elsewhere, as it is. */
export function raw(markup: string): Html {
  return { html: markup }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string' || typeof part === 'number') return escaped(`${part}`)
  return 'html' in part ? part.html : part.map(textOf).join('')
}
