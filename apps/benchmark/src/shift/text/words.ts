/** A run of letters, with the marks on them. */
const WORD = /[\p{L}\p{M}]+/gu

/** Applies a function to each word of a text; all else is not changed. */
export function mapWords(text: string, change: (word: string) => string): string {
  return text.replace(WORD, change)
}

/** Words of a text, as white space parts them. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}
