import { TpError } from '@tp/core'
import { shown } from '../datasets/table/data-error.ts'

/** What is read of a tokenizer.json apart from the library that runs it. */
export interface TokenizerJson {
  readonly model: {
    readonly type?: unknown
    readonly vocab?: unknown
    readonly unk_token?: unknown
    readonly unk_id?: unknown
  }
  readonly added_tokens?: unknown
  readonly padding?: { readonly pad_id?: number } | null
}

/** Without a type the library tells from the vocabulary what it is. */
const MODELS: readonly unknown[] = ['WordPiece', 'BPE', 'Unigram', 'WordLevel', undefined, null]

const LARGEST_ID = 2 ** 31 - 1

/**
 * Checks what the library takes as it comes and a model would be fed with: ids that are no numbers, or of no token.
 * @throws TpError TP_TOKENIZER
 */
export function checkTokenizer(json: unknown, source: string): asserts json is TokenizerJson {
  const refuse = (problem: string): TpError => new TpError('TP_TOKENIZER', 'eval', `${source}: ${problem}`)
  if (!isRecord(json) || !isRecord(json.model)) {
    throw refuse('is not a Hugging Face tokenizer.json: it has no model')
  }
  const { model, added_tokens: added = [], padding } = json
  if (!MODELS.includes(model.type)) {
    throw refuse(`its model has the type ${shown(String(model.type))}; WordPiece, BPE, Unigram and WordLevel are known`)
  }
  if (!Array.isArray(added)) throw refuse('its added_tokens are not a list')
  const tokens = new Map<string, unknown>()
  if (isRecord(model.vocab)) for (const [token, id] of Object.entries(model.vocab)) tokens.set(token, id)
  else if (Array.isArray(model.vocab))
    for (const [id, entry] of model.vocab.entries()) tokens.set(String(entry?.[0]), id)
  else throw refuse('its model has no vocabulary')
  for (const entry of added) tokens.set(String(entry?.content), entry?.id)
  let largest = -1
  for (const [token, id] of tokens) {
    if (!isId(id)) throw refuse(`gives token ${shown(token)} the id ${shown(String(id))}; ids are whole numbers from 0`)
    largest = Math.max(largest, id)
  }
  if (typeof model.unk_token === 'string' && !tokens.has(model.unk_token)) {
    throw refuse(`its unk_token ${shown(model.unk_token)}, for what it does not know, is not in its vocabulary`)
  }
  const pad = isRecord(padding) ? padding.pad_id : undefined
  if (pad !== undefined && !(isId(pad) && pad <= largest)) {
    throw refuse(`its pad_id is ${shown(String(pad))}; it has to be the id of a token, 0 … ${largest}`)
  }
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
