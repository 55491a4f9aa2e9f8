import type { Program } from '../program/program.ts'
import type { Encoder } from './encoder.ts'
import type { Layer } from './layer.ts'
import { tablesChosenFrom } from './tables.ts'

/** Inputs that tell which segment of a pair a token belongs to. */
export interface SegmentInputs {
  /** Numbers of segments, and how many the model knows. */
  readonly segments: { readonly name: string; readonly count: number } | undefined
  /** Ids of tokens. */
  readonly ids: string | undefined
}

/** Models of pairs know two segments, XLNet three; tables of positions and of tokens are far longer. */
const MOST_SEGMENTS = 16

/**
 * The inputs [b,n] that choose rows of a table upstream of the first layer: the one with a table of few rows numbers segments, the
 * one with the longest table tokens.
 */
export function segmentInputs(program: Program, { layers }: Encoder): SegmentInputs {
  const [first] = layers as [Layer]
  const tables = [...program.inputsOf(first.input)].flatMap((name) => {
    const rows = tableRows(program, name)
    return rows === undefined ? [] : [{ name, count: rows }]
  })
  const few = tables.filter(({ count }) => count > 1 && count <= MOST_SEGMENTS)
  const [ids] = tables.filter((table) => !few.includes(table)).sort((a, b) => b.count - a.count)
  return { segments: few.length === 1 ? few[0] : undefined, ids: ids?.name }
}

/** Rows of the smallest table that an input chooses from. */
function tableRows(program: Program, input: string): number | undefined {
  const rows = tablesChosenFrom(program, input).map((table) => program.tensor(table).dims[0])
  const known = rows.filter((count) => typeof count === 'number')
  return known.length === 0 ? undefined : Math.min(...known)
}
