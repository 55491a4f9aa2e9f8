import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike, ValueInfo } from '@tp/core/runtime'
import { arrayOf, fixedSize } from './model-inputs.ts'
import type { TextTokenizer } from './tokenizer.ts'

/** Roles of a text model's inputs, by their usual names. */
const ROLES: Readonly<Record<string, 'ids' | 'mask' | 'types'>> = {
  input_ids: 'ids',
  input: 'ids',
  attention_mask: 'mask',
  input_mask: 'mask',
  token_type_ids: 'types',
  segment_ids: 'types',
}

/** A text, or a pair of texts, as tokens. */
export interface TokenRow {
  readonly ids: Int32Array
  /** Number of the segment of each token (`token_type_ids`); absent: 0. */
  readonly segments?: Uint8Array | undefined
}

/** The form in which a text model takes token ids. */
export interface TokenRows {
  /** The largest number of tokens of an example. */
  readonly maxTokens: number
  /** False: no input says which tokens are padding, so that all examples of a batch must have one length. */
  readonly padded: boolean
  /** @throws TpError TP_TOKENIZER for an id that the model has no embedding for */
  check(row: TokenRow, source: string): void
  /** Rows as a batch, padded to the longest, or to the model's fixed length. @throws TpError TP_INPUT where they cannot be padded */
  feeds(rows: readonly TokenRow[]): NamedTensors
}

export interface TokenRowsOptions {
  /** Longer texts are cut, special tokens counted (default: the model's fixed length, or 512). */
  readonly maxTokens?: number | undefined
  /** Rows of the model's token embedding; a tokenizer with larger ids belongs to another model. */
  readonly vocabularySize?: number | undefined
}

/** @throws TpError TP_INPUT for a model that takes no texts, TP_OPTION */
export function tokenRows(
  inputs: readonly ValueInfo[],
  tokenizer: TextTokenizer,
  { maxTokens, vocabularySize }: TokenRowsOptions,
): TokenRows {
  const roles = inputs.map((input) => ({ input, role: roleOf(input) }))
  const ids = roles.find(({ role }) => role === 'ids')?.input
  if (ids === undefined) throw new TpError('TP_INPUT', 'data', 'the model has no input_ids; it is not a text model')
  const fixed = fixedSize(ids, 1)
  requireSize(ids)
  const hasMask = roles.some(({ role }) => role === 'mask')
  return {
    maxTokens: lengthLimit(maxTokens, fixed),
    padded: hasMask,
    check: ({ ids: row }, source) => checkIds(row, vocabularySize, tokenizer, source),
    feeds(batch) {
      const length = fixed ?? Math.max(...batch.map((row) => row.ids.length))
      const ragged = batch.some((row) => row.ids.length < length)
      if (ragged && !hasMask) {
        throw new TpError(
          'TP_INPUT',
          'data',
          'the model has no attention_mask, so texts cannot be padded; use batch size 1',
        )
      }
      return Object.fromEntries(
        roles.map(({ input, role }) => [input.name, fill(input, role, batch, length, tokenizer)]),
      )
    },
  }
}

/** The input of a model that marks real tokens, by its name, if there is one. */
export function maskOf<T>(inputs: Readonly<Record<string, T>>): T | undefined {
  return Object.entries(inputs).find(([name]) => ROLES[name] === 'mask')?.[1]
}

/** Tokens of a batch; a model that always takes more is none of texts. */
const MOST_TOKENS = 2 ** 24

function requireSize(ids: ValueInfo): void {
  const tokens = (fixedSize(ids, 0) ?? 1) * (fixedSize(ids, 1) ?? 1)
  if (tokens <= MOST_TOKENS) return
  throw new TpError(
    'TP_INPUT',
    'data',
    `the model always takes ${tokens} tokens [${ids.dims}]; at most ${MOST_TOKENS} can be filled`,
  )
}

function roleOf(input: ValueInfo): 'ids' | 'mask' | 'types' {
  const role = ROLES[input.name]
  if (role !== undefined) return role
  const known = Object.keys(ROLES).join(', ')
  throw new TpError(
    'TP_INPUT',
    'data',
    `the text model has an input "${input.name}"; those that can be filled are ${known}`,
  )
}

function lengthLimit(limit: number | undefined, fixed: number | undefined): number {
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 3)) {
    throw new TpError('TP_OPTION', 'data', `maxTokens is ${limit}; it is a whole number of tokens, 3 or more`)
  }
  return Math.min(limit ?? 512, fixed ?? Number.POSITIVE_INFINITY)
}

function checkIds(row: Int32Array, vocabularySize: number | undefined, tokenizer: TextTokenizer, source: string): void {
  if (vocabularySize === undefined) return
  const wrong = row.find((id) => id >= vocabularySize)
  if (wrong === undefined) return
  throw new TpError(
    'TP_TOKENIZER',
    'data',
    `${source} has token ${wrong}, but the model embeds only ${vocabularySize} tokens: ` +
      `${tokenizer.source}, with ${tokenizer.vocabularySize} tokens, belongs to another model`,
  )
}

function fill(
  input: ValueInfo,
  role: 'ids' | 'mask' | 'types',
  batch: readonly TokenRow[],
  length: number,
  tokenizer: TextTokenizer,
): TensorLike {
  const data = arrayOf(input, batch.length * length)
  const number = data instanceof BigInt64Array ? BigInt : Number
  const set = data as { [index: number]: number | bigint }
  const padding = role === 'ids' ? (tokenizer.padId ?? 0) : 0
  for (const [b, { ids, segments }] of batch.entries()) {
    const valueAt = (token: number): number => {
      if (role === 'ids') return ids[token] as number
      return role === 'mask' ? 1 : (segments?.[token] ?? 0)
    }
    for (let i = 0; i < length; i++) set[b * length + i] = number(i < ids.length ? valueAt(i) : padding)
  }
  return { type: input.type, dims: [batch.length, length], data }
}
