import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import type { TextTokenizer, TokenRow, TokenRows } from '@tp/data/inputs'
import { takingTurns } from './turns.ts'

/** A text, or a pair of texts. */
export type Text = string | readonly [first: string, second: string]

/** How texts become inputs of a model. */
export interface TextReading {
  readonly tokenizer: TextTokenizer
  readonly form: TokenRows
}

/** Characters of a token that are looked at first; a text is rarely longer for its tokens. */
const CHARACTERS_PER_TOKEN = 8

/** A text of more characters for each token that the model takes is too long, whatever its tokens: they all have to be looked at. */
const MOST_CHARACTERS_PER_TOKEN = 64

/** The last tokens of a text that was cut in the middle of a word may be others than those of the whole text. */
const UNSURE = 32

/** Milliseconds of tokenizing after which other requests have their turn. */
const TURN = 4

interface TokenizeOptions {
  /** Cut texts that are too long, instead of refusing them. */
  readonly truncate: boolean
  readonly signal?: AbortSignalLike | undefined
  /** Called after each wait for a turn; throws when the tokens would be for nothing. */
  readonly requireRoom?: (() => void) | undefined
}

/**
 * Texts as tokens.
 * @throws TpError TP_TOO_LONG for a text of more tokens than the model takes; TP_TOKENIZER, TP_ABORTED
 */
export async function tokenize(
  texts: readonly Text[],
  tokenizer: TextTokenizer,
  form: TokenRows,
  { truncate, signal, requireRoom }: TokenizeOptions,
): Promise<TokenRow[]> {
  const rows: TokenRow[] = []
  const turns = takingTurns()
  let turn = Number.NEGATIVE_INFINITY
  for (const [i, text] of texts.entries()) {
    if (performance.now() - turn > TURN) {
      await turns.next()
      requireRoom?.()
      turn = performance.now()
    }
    throwIfAborted(signal, 'server')
    const row = rowOf(text, tokenizer, form.maxTokens)
    if (row.isCut && !truncate) {
      const advice = `send a shorter one, or ask for "truncate"`
      throw new TpError(
        'TP_TOO_LONG',
        'server',
        `text ${i} has more than the ${form.maxTokens} tokens that the model takes; ${advice}`,
      )
    }
    form.check(row, `text ${i}`)
    rows.push(row)
  }
  return rows
}

function rowOf(text: Text, tokenizer: TextTokenizer, most: number): TokenRow & { readonly isCut: boolean } {
  if (typeof text === 'string') {
    const { start, ids } = startOf(text, tokenizer, most)
    const isLong = ids.length > most
    const own = isLong ? tokenizer.encode(start, most) : ids
    return { ids: Int32Array.from(own), isCut: isLong || start.length < text.length }
  }
  const looked = text.map((part) => startOf(part, tokenizer, most))
  // If there are too many of both, it is the longer one that keeps the odd token, so both are looked at whole.
  const isOdd = looked.every(({ ids }) => ids.length > most / 2)
  const starts = looked.map(({ start }, i) => (isOdd ? allowed(text[i] as string, most) : start)) as [string, string]
  const { ids, segments } = tokenizer.encodePair(...starts, most)
  // One token more would be used, if there were one.
  const isLong = ids.length === most && tokenizer.encodePair(...starts, most + 1).ids.length > most
  const isCut = isLong || starts.some((start, i) => start.length < (text[i] as string).length)
  return { ids: Int32Array.from(ids), segments: Uint8Array.from(segments), isCut }
}

/**
 * As much of a text as has more than `most` tokens, or all of it. So the time that tokenizing takes is bounded by what the model
 * takes, however long the text is.
 */
function startOf(
  text: string,
  tokenizer: TextTokenizer,
  most: number,
): { readonly start: string; readonly ids: number[] } {
  for (let length = most * CHARACTERS_PER_TOKEN; ; length *= 2) {
    const isAll = length >= text.length
    const start = isAll ? text : text.slice(0, wordEnd(text, length))
    const ids = tokenizer.encode(start, Number.POSITIVE_INFINITY)
    if (isAll || ids.length > most + UNSURE || length >= most * MOST_CHARACTERS_PER_TOKEN) return { start, ids }
  }
}

/** As much of a text as may be looked at. */
function allowed(text: string, most: number): string {
  const length = most * MOST_CHARACTERS_PER_TOKEN
  return length < text.length ? text.slice(0, wordEnd(text, length)) : text
}

/** The last end of a word before a position; without spaces (Chinese, Japanese) the position, but never between surrogates. */
function wordEnd(text: string, length: number): number {
  const space = text.lastIndexOf(' ', length)
  if (space > length / 2) return space
  const isInside = (text.charCodeAt(length) & 0xfc00) === 0xdc00
  return isInside ? length - 1 : length
}
