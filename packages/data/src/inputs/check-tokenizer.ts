import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { shown } from '../datasets/table/data-error.ts'

/** The part of a tokenizer.json that is checked here. */
export interface TokenizerJson extends Readonly<Record<string, unknown>> {
  readonly model: {
    readonly type?: unknown
    readonly vocab?: unknown
    readonly unk_token?: unknown
    readonly unk_id?: unknown
    readonly merges?: unknown
    readonly continuing_subword_prefix?: unknown
  }
  readonly added_tokens?: unknown
  readonly post_processor?: unknown
  readonly padding?: { readonly pad_id?: number } | null
}

/** Without a type the library infers it from the vocabulary. */
const MODELS: readonly unknown[] = ['WordPiece', 'BPE', 'Unigram', 'WordLevel', undefined, null]

/** Many times the largest existing vocabulary. The library allocates a list of this length. */
const LARGEST_ID = 2 ** 24 - 1

/**
 * Checks what the library would accept unchecked, or misread.
 * @throws TpError TP_TOKENIZER
 */
export function checkTokenizer(json: unknown, source: string): asserts json is TokenizerJson {
  if (!isRecord(json) || !isRecord(json.model)) {
    throw refusal(source, 'is not a Hugging Face tokenizer.json: it has no model')
  }
  const { type, vocab } = json.model
  if (!MODELS.includes(type)) {
    const known = 'WordPiece, BPE, Unigram and WordLevel are known'
    throw refusal(source, `its model has the type ${shown(String(type))}; ${known}`)
  }
  if (!isRecord(vocab) && !Array.isArray(vocab)) throw refusal(source, 'its model has no vocabulary')
  // The library puts ids into an array, which shows no others afterwards.
  if (isRecord(vocab)) for (const token of Object.keys(vocab)) checkId(vocab[token], token, source)
  const { added_tokens: added = [] } = json
  if (!Array.isArray(added)) throw refusal(source, 'its added_tokens are not a list')
  for (const entry of added) checkId(entry?.id, entry?.content, source)
}

/**
 * Checks the tokens for unknown words and for padding.
 * @param vocabulary as the library has read it
 * @returns the largest id
 * @throws TpError TP_TOKENIZER
 */
export function checkVocabulary(
  vocabulary: ReadonlyMap<string, number>,
  { model, padding }: TokenizerJson,
  source: string,
): number {
  let largest = -1
  for (const id of vocabulary.values()) largest = Math.max(largest, id)
  if (typeof model.unk_token === 'string' && !vocabulary.has(model.unk_token)) {
    const unknown = `its unk_token ${shown(model.unk_token)}, for what it does not know,`
    throw refusal(source, `${unknown} is not in its vocabulary`)
  }
  const pad: unknown = padding?.pad_id
  if (pad === undefined || (isId(pad) && pad <= largest)) return largest
  throw refusal(source, `its pad_id is ${shown(String(pad))}; it has to be the id of a token, 0 … ${largest}`)
}

function checkId(id: unknown, token: unknown, source: string): asserts id is number {
  if (isId(id)) return
  const problem = `gives token ${shown(String(token))} the id ${shown(String(id))}`
  throw refusal(source, `${problem}; ids are whole numbers, 0 … ${LARGEST_ID}`)
}

/** The regular expressions that it runs on texts. */
export function expressionsOf(json: TokenizerJson): string[] {
  const { model: _, added_tokens: __, ...parts } = json
  const found: string[] = []
  const open: unknown[] = [parts]
  // Not by recursion: a file may be nested deeper than the stack is.
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const [key, part] of Object.entries(value)) {
      if (key === 'Regex' && typeof part === 'string') found.push(part)
      else open.push(part)
    }
  }
  return found
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST_ID
}

/** A value of the file as messages show it. */
export function seen(value: unknown): string {
  if (typeof value === 'string') return shown(value)
  try {
    return shown(JSON.stringify(value) ?? '')
  } catch {
    return 'nested too deep'
  }
}

/** The problem with a tokenizer.json. */
export function refusal(source: string, problem: string, cause?: unknown): TpError {
  return new TpError('TP_TOKENIZER', 'data', `${source}: ${problem}`, cause === undefined ? {} : { cause })
}
