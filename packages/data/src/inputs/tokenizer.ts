import { Tokenizer } from '@huggingface/tokenizers'
import { shown } from '../datasets/table/data-error.ts'
import { checkTokenizer, checkVocabulary, expressionsOf, refusal, type TokenizerJson } from './check-tokenizer.ts'
import { cutToRoom } from './cut-to-room.ts'
import { type Encoded, readPostProcessor, type Template } from './post-processor.ts'
import { preTokenizerFor } from './pre-tokenizer.ts'
import { checkModel, type ModelType, typeOfModel, withOwnIds } from './tokenizer-model.ts'
import { checkPadding, checkShape } from './tokenizer-shape.ts'

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
  encodePair(first: string, second: string, maxTokens: number): Encoded
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
  /** The name of a token in the vocabulary, special ones included: `[CLS]`. Empty for an id that it does not have. */
  nameOf(id: number): string
}

interface AddedToken {
  readonly content: string
  readonly id: number
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
  checkPadding(json, source)
  const idsOf = (own: string): number[] => {
    const ids = safely(source, `cannot encode ${shown(own)}`, () => {
      return tokenizer.encode(own, { add_special_tokens: false }).ids as (number | undefined)[]
    })
    const wrong = ids.findIndex((id) => id === undefined || !(Number.isInteger(id) && id >= 0 && id <= largest))
    if (wrong < 0) return ids as number[]
    throw refusal(source, `gives ${ids[wrong]} for ${shown(own)}, which is not the id of a token`)
  }
  const { single, pair } = readPostProcessor(json.post_processor, largest, source)
  const pairTemplate = (): Template => {
    if (pair !== undefined) return pair
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
      const { before, after, size } = single
      return [...before, ...idsOf(text).slice(0, Math.max(0, maxTokens - size)), ...after]
    },
    encodePair(first, second, maxTokens) {
      const { size, fill } = pairTemplate()
      const room = maxTokens - size
      if (room >= 2) return fill(...cutToRoom(idsOf(first), idsOf(second), room))
      throw refusal(source, `adds ${size} special tokens to a pair of texts, of ${maxTokens} that the model takes`)
    },
    pairSeparator: () => pairTemplate().between[0],
    encodeWords(words, maxTokens) {
      const { before, after } = single
      // The space marks the beginning of a word if the vocabulary distinguishes beginnings.
      const pieces = words.flatMap((word, i) => idsOf(` ${word}`).map((id) => ({ id, word: i })))
      const own = pieces.slice(0, maxTokens - before.length - after.length)
      return {
        ids: [...before, ...own.map(({ id }) => id), ...after],
        words: [...before.map(() => -1), ...own.map(({ word }) => word), ...after.map(() => -1)],
      }
    },
    encodeAlone: idsOf,
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
  const type = typeOfModel(json.model)
  checkShape(json, type, source)
  checkModel(json.model, type, source)
  return { json, tokenizer: safely(source, 'is not a Hugging Face tokenizer.json', () => open(json, type)) }
}

/** Special tokens are added here, since the library goes by their names, and not by the ids that the file gives them. */
function open({ model, added_tokens: added, pre_tokenizer, ...parts }: TokenizerJson, type: ModelType): Tokenizer {
  const { vocab, unk_token: unknown } = model
  const own = type === 'WordLevel' ? { vocab, unk_token: unknown } : { ...model, type }
  const tokenizer = {
    ...{ normalizer: null, decoder: null, ...parts, model: own },
    pre_tokenizer: preTokenizerFor(pre_tokenizer ?? null),
    added_tokens: withOwnIds((added ?? []) as AddedToken[], model),
  }
  // A model of whole words looks up its unknown token here.
  return new Tokenizer({ ...tokenizer, post_processor: null }, { unk_token: unknown })
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
