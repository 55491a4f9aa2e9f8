import { Tokenizer } from '@huggingface/tokenizers'
import { shown } from '../datasets/table/data-error.ts'
import { checkTokenizer, checkVocabulary, expressionsOf, refusal, type TokenizerJson } from './check-tokenizer.ts'
import { cutToRoom, type EncodedPair, type PairTemplate, pairTemplateOf } from './pair-template.ts'

export interface TextTokenizer {
  /** Where it comes from: the path of the tokenizer.json. */
  readonly source: string
  /** One more than the largest token id. */
  readonly vocabularySize: number
  /** Undefined where the vocabulary has no padding token. */
  readonly padId: number | undefined
  /** Regular expressions that it runs on texts. They come with the file, and may take arbitrarily long. */
  readonly expressions: readonly string[]
  /** Token ids of a text, special tokens included; cut to `maxTokens` before the closing special tokens. */
  encode(text: string, maxTokens: number): number[]
  /** Token ids of a text alone, without special tokens around it; special ones that it spells out are read as such. */
  encodeAlone(text: string): number[]
  /**
   * A pair of texts by the tokenizer's template for pairs; cut to `maxTokens`, the longer text first.
   * @throws TpError TP_TOKENIZER without a template, or for fewer tokens than its special ones and two more
   */
  encodePair(first: string, second: string, maxTokens: number): EncodedPair
  /** The special token between two texts of a pair, the first of several; undefined without a template for pairs. */
  pairSeparator(): number | undefined
  /**
   * Token ids of separate words, including special tokens, and for each token the index of its word (−1 for special ones).
   * Truncated like a text.
   */
  encodeWords(words: readonly string[], maxTokens: number): { readonly ids: number[]; readonly words: number[] }
  /** The text of tokens, special ones left out. */
  decode(ids: readonly number[]): string
  /** The text of one token as the tokenizer writes it; empty for special ones. */
  textOf(id: number): string
  /** What the vocabulary calls a token, a special one, too: `[CLS]`. Empty for an id that it does not have. */
  nameOf(id: number): string
}

const PADDING_TOKENS: readonly string[] = ['[PAD]', '<pad>', '<|padding|>', '<PAD>']

/**
 * A tokenizer from the text of a Hugging Face tokenizer.json. Its own truncation and padding are not followed: they are
 * remnants of training.
 * @param source for messages
 * @throws TpError TP_TOKENIZER
 */
export function openTokenizer(text: string, source: string): TextTokenizer {
  const { json, tokenizer } = parse(text, source)
  const vocabulary = tokenizer.get_vocab(true)
  const largest = checkVocabulary(vocabulary, json, source)
  const idsOf = (own: string, special = true): number[] => {
    const ids = safely(source, `cannot encode ${shown(own)}`, () => {
      return tokenizer.encode(own, { add_special_tokens: special }).ids as (number | undefined)[]
    })
    const wrong = ids.findIndex((id) => id === undefined || !(Number.isInteger(id) && id >= 0 && id <= largest))
    if (wrong < 0) return ids as number[]
    throw refusal(source, `gives ${ids[wrong]} for ${shown(own)}, which is no token's id`)
  }
  const { before, after } = specialsOf(idsOf)
  let known: PairTemplate | undefined
  /** Looked for where a pair is to be encoded; other models need none. */
  const pairTemplate = (): PairTemplate => {
    if (known !== undefined) return known
    const encoded = safely(source, 'cannot encode a pair of texts', () =>
      tokenizer.encode('a', { text_pair: 'a', return_token_type_ids: true }),
    )
    known = pairTemplateOf(idsOf('a', false), encoded.ids, encoded.token_type_ids)
    if (known !== undefined) return known
    throw refusal(source, 'has no template for pairs of texts')
  }
  const decode = (ids: readonly number[], what: string): string =>
    safely(source, `cannot write ${what} as text`, () =>
      tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    )
  return {
    source,
    vocabularySize: largest + 1,
    expressions: expressionsOf(json),
    padId: json.padding?.pad_id ?? PADDING_TOKENS.map((token) => vocabulary.get(token)).find((id) => id !== undefined),
    encode(text, maxTokens) {
      const ids = idsOf(text)
      if (ids.length <= maxTokens) return ids
      return [...ids.slice(0, maxTokens - after.length), ...ids.slice(ids.length - after.length)]
    },
    encodePair(first, second, maxTokens) {
      const { size, fill } = pairTemplate()
      const room = maxTokens - size
      if (room >= 2) return fill(...cutToRoom(idsOf(first, false), idsOf(second, false), room))
      throw refusal(source, `adds ${size} special tokens to a pair of texts, of ${maxTokens} that the model takes`)
    },
    pairSeparator: () => pairTemplate().between[0],
    encodeWords(words, maxTokens) {
      // The space marks the beginning of a word if the vocabulary distinguishes beginnings.
      const pieces = words.flatMap((word, i) => idsOf(` ${word}`, false).map((id) => ({ id, word: i })))
      const own = pieces.slice(0, maxTokens - before.length - after.length)
      return {
        ids: [...before, ...own.map(({ id }) => id), ...after],
        words: [...before.map(() => -1), ...own.map(({ word }) => word), ...after.map(() => -1)],
      }
    },
    encodeAlone: (text) => idsOf(text, false),
    // The library refuses to write nothing down.
    decode: (ids) => (ids.length === 0 ? '' : decode(ids, `${ids.length} tokens`)),
    textOf: (id) => decode([id], `token ${id}`),
    nameOf: (id) => tokenizer.id_to_token(id) ?? '',
  }
}

function parse(text: string, source: string): { json: TokenizerJson; tokenizer: Tokenizer } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw refusal(source, 'is invalid JSON', cause)
  }
  checkTokenizer(json, source)
  const own = json
  return { json, tokenizer: safely(source, 'is not a Hugging Face tokenizer.json', () => new Tokenizer(own, {})) }
}

/** Runs the library on an untrusted file. @throws TpError TP_TOKENIZER */
function safely<Result>(source: string, problem: string, work: () => Result): Result {
  try {
    return work()
  } catch (cause) {
    const reason = cause instanceof Error ? ` (${cause.message.split('\n')[0]?.slice(0, 200)})` : ''
    throw refusal(source, `${problem}${reason}`, cause)
  }
}

/** Special tokens before and after a text. */
function specialsOf(idsOf: (text: string, special: boolean) => number[]): {
  readonly before: number[]
  readonly after: number[]
} {
  const [bare, full] = [idsOf('a', false), idsOf('a', true)]
  const start = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id))
  return start < 0
    ? { before: [], after: [] }
    : { before: full.slice(0, start), after: full.slice(start + bare.length) }
}
