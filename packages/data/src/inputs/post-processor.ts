import { isRecord } from '@tp/core/host'
import { refusal, seen } from './check-tokenizer.ts'

/** Token ids, with the number of the segment that each token belongs to (`token_type_ids`). */
export interface Encoded {
  readonly ids: number[]
  readonly segments: number[]
}

/** The special tokens that a tokenizer puts around a text, or around and between two. */
export interface Template {
  /** Number of special tokens. */
  readonly size: number
  readonly before: readonly number[]
  /** Those between two texts. */
  readonly between: readonly number[]
  readonly after: readonly number[]
  fill(first: readonly number[], second?: readonly number[]): Encoded
}

export interface PostProcessor {
  readonly single: Template
  /** Undefined for a template that does not hold both texts once. */
  readonly pair: Template | undefined
}

/** Some special tokens, or a text. */
interface Piece {
  readonly ids: readonly number[] | 'A' | 'B'
  readonly segment: number
}

type Json = Readonly<Record<string, unknown>>

/**
 * How texts are completed, as Hugging Face's library does it: by the ids that a tokenizer.json gives for its special tokens, however
 * many, and whatever its vocabulary calls them.
 * @param json `post_processor` of a tokenizer.json whose shape has been checked
 * @param largest id of a token
 * @throws TpError TP_TOKENIZER
 */
export function readPostProcessor(json: unknown, largest: number, source: string): PostProcessor {
  const [only, ...others] = processorsIn(json)
  if (others.length > 0) throw refusal(source, 'its post_processor has several templates, one of the result of another')
  const { single, pair } = only === undefined ? bare : piecesOf(only, source)
  for (const id of [...single, ...pair].flatMap(({ ids }) => (typeof ids === 'string' ? [] : ids)))
    if (id > largest)
      throw refusal(source, `its post_processor adds token ${id}, but its vocabulary ends with ${largest}`)
  const own = templateOf(single, 'A')
  if (own === undefined) throw refusal(source, 'its post_processor does not give a text, once, for a text')
  return { single: own, pair: templateOf(pair, 'AB') }
}

/** Those that add tokens; sequences are opened, and what changes only offsets is left out. */
function processorsIn(json: unknown): Json[] {
  const found: Json[] = []
  const open: unknown[] = [json]
  while (open.length > 0) {
    const next = open.shift()
    if (!isRecord(next) || next.type === 'ByteLevel') continue
    if (next.type === 'Sequence') open.unshift(...(next.processors as unknown[]))
    else found.push(next)
  }
  return found
}

interface Pieces {
  readonly single: readonly Piece[]
  readonly pair: readonly Piece[]
}

const text = (ids: 'A' | 'B', segment = 0): Piece => ({ ids, segment })

const bare: Pieces = { single: [text('A')], pair: [text('A'), text('B', 1)] }

/** @throws TpError TP_TOKENIZER */
function piecesOf(json: Json, source: string): Pieces {
  if (json.type === 'TemplateProcessing') {
    const specials = json.special_tokens as Json
    const read = (name: 'single' | 'pair'): Piece[] =>
      (json[name] as unknown[]).map((piece) => {
        const read = readPiece(piece, specials)
        if (read !== undefined) return read
        throw refusal(source, `its post_processor.${name} has ${seen(piece)}, which is not part of a template`)
      })
    return { single: read('single'), pair: read('pair') }
  }
  if (json.type !== 'BertProcessing' && json.type !== 'RobertaProcessing')
    throw refusal(source, `its post_processor has the type ${seen(json.type)}, which is not known`)
  const [cls, sep] = ['cls', 'sep'].map((name) => (json[name] as [string, number])[1]) as [number, number]
  const special = (id: number, segment = 0): Piece => ({ ids: [id], segment })
  const single = [special(cls), text('A'), special(sep)]
  if (json.type === 'BertProcessing') return { single, pair: [...single, text('B', 1), special(sep, 1)] }
  return { single, pair: [...single, special(sep), text('B'), special(sep)] }
}

/** @returns undefined for what is not a piece, or a special token that is not defined */
function readPiece(piece: unknown, specials: Json): Piece | undefined {
  const [[kind, own] = [], ...others] = isRecord(piece) ? Object.entries(piece) : []
  if (others.length > 0 || !isRecord(own) || !isId(own.type_id)) return undefined
  const { id, type_id: segment } = own
  if (kind === 'Sequence') return id === 'A' || id === 'B' ? { ids: id, segment } : undefined
  if (kind !== 'SpecialToken' || typeof id !== 'string' || !Object.hasOwn(specials, id)) return undefined
  const special = specials[id]
  if (!isRecord(special) || !Array.isArray(special.ids) || !special.ids.every(isId)) return undefined
  return { ids: special.ids, segment }
}

function templateOf(pieces: readonly Piece[], texts: 'A' | 'AB'): Template | undefined {
  const isText = ({ ids }: Piece): boolean => typeof ids === 'string'
  const found = pieces.filter(isText).map(({ ids }) => ids)
  if ([...found].sort().join('') !== texts) return undefined
  const specials = (from: number, to?: number): number[] =>
    pieces.slice(from, to).flatMap(({ ids }) => (typeof ids === 'string' ? [] : ids))
  const [first, last] = [pieces.findIndex(isText), pieces.findLastIndex(isText)]
  return {
    size: specials(0).length,
    before: specials(0, first),
    between: specials(first, last),
    after: specials(last),
    fill(one, other = []) {
      const filled = pieces.map(({ ids, segment }) => ({ ids: ids === 'A' ? one : ids === 'B' ? other : ids, segment }))
      return {
        ids: filled.flatMap(({ ids }) => ids),
        segments: filled.flatMap(({ ids, segment }) => ids.map(() => segment)),
      }
    },
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
