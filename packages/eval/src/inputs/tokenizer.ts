import { Tokenizer } from '@huggingface/tokenizers'
import { isTpError, TpError } from '@tp/core'
import { shown } from '../datasets/table/data-error.ts'
import { checkTokenizer, expressionsOf, type TokenizerJson } from './check-tokenizer.ts'

export interface TextTokenizer {
  /** Where it comes from: the path of the tokenizer.json. */
  readonly source: string
  /** One more than the largest token id. */
  readonly vocabularySize: number
  /** Undefined where the vocabulary has no padding token. */
  readonly padId: number | undefined
  /** Regular expressions that it runs on texts. They come with the file, and may take longer than anyone waits. */
  readonly expressions: readonly string[]
  /** Token ids of a text, special tokens included; cut to `maxTokens` before the closing special tokens. */
  encode(text: string, maxTokens: number): number[]
  /**
   * Token ids of words that are given apart, special tokens included, and for each token the word that it is a piece of;
   * −1 for special ones. Cut like a text.
   */
  encodeWords(words: readonly string[], maxTokens: number): { readonly ids: number[]; readonly words: number[] }
  /** What a token stands for in a text, as the tokenizer writes it by itself; nothing for special ones. */
  textOf(id: number): string
  /** What the vocabulary calls a token, a special one, too: `[CLS]`. Empty for an id that it does not have. */
  nameOf(id: number): string
}

const PADDING_TOKENS: readonly string[] = ['[PAD]', '<pad>', '<|padding|>', '<PAD>']

/**
 * A tokenizer from the text of a Hugging Face tokenizer.json. Its own truncation and padding are not followed: they are
 * left-overs of training.
 * @param source for messages
 * @throws TpError TP_TOKENIZER
 */
export function openTokenizer(text: string, source: string): TextTokenizer {
  const { json, tokenizer } = parse(text, source)
  const vocabulary = tokenizer.get_vocab(true)
  let largest = -1
  for (const id of vocabulary.values()) largest = Math.max(largest, id)
  const { before, after } = specialsOf(tokenizer)
  const checked = (ids: number[], text: string): number[] => {
    const wrong = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id <= largest))
    if (wrong === undefined && !ids.includes(undefined as unknown as number)) return ids
    throw new TpError('TP_TOKENIZER', 'eval', `${source}: gives ${wrong} for ${shown(text)}, which is no token's id`)
  }
  return {
    source,
    vocabularySize: largest + 1,
    expressions: expressionsOf(json),
    padId: json.padding?.pad_id ?? PADDING_TOKENS.map((token) => vocabulary.get(token)).find((id) => id !== undefined),
    encode(text, maxTokens) {
      const ids = checked(tokenizer.encode(text).ids, text)
      if (ids.length <= maxTokens) return ids
      return [...ids.slice(0, maxTokens - after.length), ...ids.slice(ids.length - after.length)]
    },
    encodeWords(words, maxTokens) {
      // The space says that a word begins, where the vocabulary tells beginnings from the rest.
      const pieces = words.flatMap((word, i) =>
        checked(tokenizer.encode(` ${word}`, { add_special_tokens: false }).ids, word).map((id) => ({ id, word: i })),
      )
      const own = pieces.slice(0, maxTokens - before.length - after.length)
      return {
        ids: [...before, ...own.map(({ id }) => id), ...after],
        words: [...before.map(() => -1), ...own.map(({ word }) => word), ...after.map(() => -1)],
      }
    },
    textOf: (id) => tokenizer.decode([id], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    nameOf: (id) => tokenizer.id_to_token(id) ?? '',
  }
}

function parse(text: string, source: string): { json: TokenizerJson; tokenizer: Tokenizer } {
  try {
    const json: unknown = JSON.parse(text)
    checkTokenizer(json, source)
    return { json, tokenizer: new Tokenizer(json, {}) }
  } catch (cause) {
    if (isTpError(cause)) throw cause
    throw new TpError('TP_TOKENIZER', 'eval', `${source}: is not a Hugging Face tokenizer.json`, { cause })
  }
}

/** Special tokens before and after a text. */
function specialsOf(tokenizer: Tokenizer): { readonly before: number[]; readonly after: number[] } {
  const bare: number[] = tokenizer.encode('a', { add_special_tokens: false }).ids
  const full: number[] = tokenizer.encode('a').ids
  const start = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id))
  return start < 0
    ? { before: [], after: [] }
    : { before: full.slice(0, start), after: full.slice(start + bare.length) }
}
