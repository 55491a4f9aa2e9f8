import { readFile } from 'node:fs/promises'
import { Tokenizer } from '@huggingface/tokenizers'
import { TpError } from '@tp/core'

export interface TextTokenizer {
  /** Path of the tokenizer.json. */
  readonly source: string
  /** One more than the largest token id. */
  readonly vocabularySize: number
  /** Undefined where the vocabulary has no padding token. */
  readonly padId: number | undefined
  /** Token ids of a text, special tokens included; cut to `maxTokens` before the closing special tokens. */
  encode(text: string, maxTokens: number): number[]
}

interface TokenizerJson {
  readonly padding?: { readonly pad_id?: number } | null
}

const PADDING_TOKENS: readonly string[] = ['[PAD]', '<pad>', '<|padding|>', '<PAD>']

/**
 * Opens a Hugging Face tokenizer.json. Its own truncation and padding are not followed: they are left-overs of training.
 * @throws TpError TP_TOKENIZER
 */
export async function loadTokenizer(path: string): Promise<TextTokenizer> {
  const { json, tokenizer } = await open(path)
  const vocabulary = tokenizer.get_vocab(true)
  let largest = -1
  for (const id of vocabulary.values()) largest = Math.max(largest, id)
  const specials = closingSpecials(tokenizer)
  return {
    source: path,
    vocabularySize: largest + 1,
    padId: json.padding?.pad_id ?? PADDING_TOKENS.map((token) => vocabulary.get(token)).find((id) => id !== undefined),
    encode(text, maxTokens) {
      const { ids } = tokenizer.encode(text)
      if (ids.length <= maxTokens) return ids
      return [...ids.slice(0, maxTokens - specials), ...ids.slice(ids.length - specials)]
    },
  }
}

async function open(path: string): Promise<{ json: TokenizerJson; tokenizer: Tokenizer }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new TpError('TP_TOKENIZER', 'eval', `${path}: cannot be read; give the model's tokenizer.json`, { cause })
  }
  try {
    const json = JSON.parse(text) as TokenizerJson
    return { json, tokenizer: new Tokenizer(json, {}) }
  } catch (cause) {
    throw new TpError('TP_TOKENIZER', 'eval', `${path}: is not a Hugging Face tokenizer.json`, { cause })
  }
}

/** How many special tokens come after a text. */
function closingSpecials(tokenizer: Tokenizer): number {
  const bare: number[] = tokenizer.encode('a', { add_special_tokens: false }).ids
  const full: number[] = tokenizer.encode('a').ids
  const start = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id))
  return start < 0 ? 0 : full.length - start - bare.length
}
