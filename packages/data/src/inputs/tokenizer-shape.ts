import { isRecord } from '@tp/core/host'
import { shown } from '../datasets/table/data-error.ts'
import { refusal, seen } from './check-tokenizer.ts'

/** The values that a field may hold. */
interface Shape {
  /** For messages: `has to be …`. */
  readonly form: string
  readonly isOptional?: boolean
  is(value: unknown): boolean
}

type Fields = Readonly<Record<string, Shape>>

const text: Shape = { form: 'text', is: (value) => typeof value === 'string' }
const flag: Shape = { form: 'true or false', is: (value) => typeof value === 'boolean' }
const list: Shape = { form: 'a list', is: Array.isArray }
const anything: Shape = { form: '', is: () => true }
const count: Shape = {
  form: 'a whole number, 0 or more',
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
}

function oneOf(...names: readonly string[]): Shape {
  return { form: names.join(' or '), is: (value) => names.includes(value as string) }
}

function orNull({ form, is }: Shape): Shape {
  return { form: `${form}, or null`, isOptional: true, is: (value) => value === null || is(value) }
}

function optional(shape: Shape): Shape {
  return { ...shape, isOptional: true }
}

function pairOf(...shapes: readonly [Shape, Shape]): Shape {
  const is = (value: unknown): boolean =>
    Array.isArray(value) && value.length === 2 && shapes.every((shape, i) => shape.is(value[i]))
  return { form: `a pair of ${shapes.map(({ form }) => form).join(' and ')}`, is }
}

/** A record with exactly one of these fields. */
function either(fields: Fields): Shape {
  const is = (value: unknown): boolean => {
    const [entry, ...others] = isRecord(value) ? Object.entries(value) : []
    return (
      entry !== undefined && others.length === 0 && Object.hasOwn(fields, entry[0]) && fields[entry[0]]!.is(entry[1])
    )
  }
  return { form: Object.keys(fields).join(' or '), is }
}

const pattern = either({ String: text, Regex: text })
const special = pairOf(text, count)
const behaviors = oneOf('Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous')
const byteLevel: Fields = { add_prefix_space: flag, trim_offsets: flag, use_regex: optional(flag) }

const truncation: Fields = {
  direction: optional(oneOf('Left', 'Right')),
  max_length: count,
  strategy: oneOf('LongestFirst', 'OnlyFirst', 'OnlySecond'),
  stride: count,
}

const padding: Fields = {
  strategy: { form: 'BatchLongest or Fixed with a length', is: (value) => value === 'BatchLongest' || fixed.is(value) },
  direction: oneOf('Left', 'Right'),
  pad_to_multiple_of: orNull(count),
  pad_id: count,
  pad_type_id: count,
  pad_token: text,
}
const fixed = either({ Fixed: count })

const addedToken: Fields = {
  content: text,
  single_word: flag,
  lstrip: flag,
  rstrip: flag,
  normalized: flag,
  special: flag,
}

type Kind = 'normalizer' | 'pre_tokenizer' | 'post_processor' | 'decoder'

/** Fields of what is told apart by its type; a type that is not here has none, or is not known to the library. */
const typed: Readonly<Record<Kind, Readonly<Record<string, Fields>>>> = {
  normalizer: {
    BertNormalizer: {
      clean_text: flag,
      handle_chinese_chars: flag,
      strip_accents: orNull(flag),
      lowercase: flag,
    },
    Sequence: { normalizers: list },
    Strip: { strip_left: flag, strip_right: flag },
    Prepend: { prepend: text },
    Replace: { pattern, content: text },
    Precompiled: { precompiled_charsmap: { form: 'a table of characters in base 64', is: isCharsMap } },
  },
  pre_tokenizer: {
    Digits: { individual_digits: flag },
    Metaspace: { replacement: text },
    Split: { pattern, behavior: behaviors, invert: flag },
    Punctuation: { behavior: optional(behaviors) },
    Sequence: { pretokenizers: list },
    ByteLevel: byteLevel,
  },
  post_processor: {
    TemplateProcessing: { single: list, pair: list, special_tokens: { form: 'a record', is: isRecord } },
    BertProcessing: { sep: special, cls: special },
    RobertaProcessing: { sep: special, cls: special, trim_offsets: flag, add_prefix_space: flag },
    Sequence: { processors: list },
    ByteLevel: byteLevel,
  },
  decoder: {
    WordPiece: { prefix: text, cleanup: flag },
    BPEDecoder: { suffix: text },
    CTC: { pad_token: text, word_delimiter_token: text, cleanup: flag },
    Metaspace: { replacement: text },
    Replace: { pattern, content: text },
    Strip: { content: text, start: count, stop: count },
    Sequence: { decoders: list },
    ByteLevel: byteLevel,
  },
}

/** Fields in which a sequence holds others of its kind. */
const PARTS = ['normalizers', 'pretokenizers', 'processors', 'decoders']

/** Fields of each model besides its vocabulary, which has a check of its own. */
const models: Readonly<Record<string, Fields>> = {
  WordPiece: { unk_token: text, continuing_subword_prefix: text, max_input_chars_per_word: count },
  WordLevel: { unk_token: text },
  BPE: {
    dropout: orNull({ form: '0 … 1', is: (value) => typeof value === 'number' && value >= 0 && value <= 1 }),
    unk_token: orNull(text),
    continuing_subword_prefix: orNull(text),
    end_of_word_suffix: orNull(text),
    fuse_unk: orNull(flag),
    byte_fallback: orNull(flag),
    ignore_merges: orNull(flag),
    merges: list,
  },
  Unigram: { unk_id: orNull(count), byte_fallback: optional(flag) },
}

const whole: Fields = Object.fromEntries(
  [
    ...['truncation', 'padding', 'added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'model'],
  ].map((name) => [name, optional(anything)]),
)

/**
 * Checks that a tokenizer.json has the fields that Hugging Face's library requires, which refuses it otherwise.
 * @throws TpError TP_TOKENIZER
 */
export function checkShape(json: Readonly<Record<string, unknown>>, type: string, source: string): void {
  requireFields(json, { ...whole, version: optional(oneOf('1.0')) }, '', source)
  const unknown = Object.keys(json).find((name) => name !== 'version' && !Object.hasOwn(whole, name))
  if (unknown !== undefined) throw refusal(source, `has ${shown(unknown)}, which no tokenizer.json has`)
  requireFields(json.model, models[type] ?? {}, 'model', source)
  for (const [i, entry] of (Array.isArray(json.added_tokens) ? json.added_tokens : []).entries())
    requireFields(entry, addedToken, `added_tokens[${i}]`, source)
  if (isPresent(json.truncation)) requireFields(json.truncation, truncation, 'truncation', source)
  let growth = 1
  for (const name of Object.keys(typed) as Kind[]) {
    // Not by recursion: a file may be nested deeper than the stack is.
    const open: [path: string, part: unknown][] = [[name, json[name]]]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [path, part] = next
      if (!isPresent(part)) continue
      const known = typed[name]
      const kind = isRecord(part) ? String(part.type) : ''
      requireFields(part, Object.hasOwn(known, kind) ? (known[kind] as Fields) : {}, path, source)
      if (name === 'normalizer') growth *= lengthIn(kind, part as NormalizerPart)
      if (kind !== 'Sequence') continue
      for (const field of PARTS) {
        const parts = (part as Readonly<Record<string, unknown>>)[field]
        if (Array.isArray(parts))
          open.push(...parts.map((own, i): [string, unknown] => [`${path}.${field}[${i}]`, own]))
      }
    }
  }
  if (growth <= MOST_GROWTH) return
  const problem = `its normalizer may make texts ${growth.toLocaleString('en-US')} times as long`
  throw refusal(source, `${problem}; at most ${MOST_GROWTH} times are followed`)
}

/** How many times as long a normalizer may make a text. Those that are published put in single characters. */
const MOST_GROWTH = 256

interface NormalizerPart {
  readonly prepend?: string
  readonly content?: string
}

/** The length of what a part of a normalizer puts into texts, perhaps for each character. */
function lengthIn(kind: string, { prepend = '', content = '' }: NormalizerPart): number {
  return Math.max(1, kind === 'Prepend' ? prepend.length : kind === 'Replace' ? content.length : 1)
}

/**
 * The same of its padding, of which only the token is used.
 * @throws TpError TP_TOKENIZER
 */
export function checkPadding(json: Readonly<Record<string, unknown>>, source: string): void {
  if (isPresent(json.padding)) requireFields(json.padding, padding, 'padding', source)
}

function requireFields(value: unknown, fields: Fields, path: string, source: string): void {
  if (!isRecord(value)) throw refusal(source, `its ${path} is ${seen(value)}; it has to be a record`)
  for (const [name, { form, isOptional, is }] of Object.entries(fields)) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined
    if (field === undefined ? isOptional : is(field)) continue
    const problem = field === undefined ? 'is missing' : `is ${seen(field)}`
    throw refusal(source, `its ${path === '' ? '' : `${path}.`}${name} ${problem}; it has to be ${form}`)
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** The table's trie with its length in front, whose first entries are those of all bytes, and then UTF-8. */
function isCharsMap(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return false
  try {
    const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0))
    const size = new DataView(bytes.buffer).getUint32(0, true)
    const end = 4 + 4 * Math.floor(size / 4)
    if (end > bytes.length || end < 4 * FIRST_UNITS) return false
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(end))
    return true
  } catch {
    return false
  }
}

/** A trie of characters looks at once at one of its units for each byte. */
const FIRST_UNITS = 256
