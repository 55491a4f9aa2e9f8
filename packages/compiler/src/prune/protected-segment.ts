import { cast, concat, cumSum, equal, mul, slice, sub, type Tensor, TpError } from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { type SegmentInputs, segmentInputs } from '../analyze/segments.ts'
import type { Program } from '../program/program.ts'
import type { PruneOptions } from './prune-options.ts'

/** A segment of each example that is kept as a whole. */
export interface ProtectedSegment {
  readonly number: number
  /** Id of the token that ends a segment, for models without an input of segment numbers. */
  readonly separator: number | undefined
}

/** @throws TpError TP_PROTECT for a separator without a segment */
export function protectedSegmentOf(
  options: Pick<PruneOptions, 'protectSegment' | 'separator'>,
): ProtectedSegment | undefined {
  const { protectSegment: number, separator } = options
  if (number !== undefined) return { number, separator }
  if (separator === undefined) return undefined
  throw new TpError(
    'TP_PROTECT',
    'compiler',
    'a separator is named, but no segment; name the one to protect (protectSegment)',
  )
}

/**
 * float [B,N]: 1 for tokens of the segment, 0 for others; padding may have either.
 * @param value a value of the graph as an operand
 * @throws TpError TP_PROTECT where nothing says which segment a token is of
 */
export function segmentMask(
  program: Program,
  encoder: Encoder,
  { number, separator }: ProtectedSegment,
  value: (name: string, dims: Tensor['dims']) => Tensor,
): Tensor {
  const inputs = segmentInputs(program, encoder)
  const own = (name: string): Tensor => value(name, ['B', 'N'])
  if (separator === undefined && inputs.segments !== undefined) {
    if (number < inputs.segments.count) return isEqual(own(inputs.segments.name), number)
    const numbers = `${inputs.segments.name} numbers them from 0 to ${inputs.segments.count - 1}`
    throw new TpError('TP_PROTECT', 'compiler', `there is no segment ${number}: ${numbers}`)
  }
  return isEqual(endedSegments(isEqual(own(idsOf(inputs, separator)), separator as number)), number)
}

function idsOf({ ids }: SegmentInputs, separator: number | undefined): string {
  if (ids !== undefined && separator !== undefined) return ids
  const seen = 'the model has no input that numbers the segments of a pair (token_type_ids)'
  const advice =
    ids === undefined
      ? 'nor one with ids of tokens, so none can be protected'
      : 'so name the token that ends a segment by its id (separator)'
  throw new TpError('TP_PROTECT', 'compiler', `${seen}, ${advice}`)
}

/** float [B,N]: how many segments end upstream of each token. Separators in a row end one segment, at the last of them. */
function endedSegments(separators: Tensor): Tensor {
  const later = slice(separators, { axis: 1, start: 1 })
  const none = mul(slice(separators, { axis: 1, start: 0, end: 1 }), 0)
  const ends = mul(separators, sub(1, concat([later, none], 1)))
  return sub(cumSum(ends, 1), ends)
}

function isEqual(numbers: Tensor, number: number): Tensor {
  return cast(equal(numbers, number), 'float32')
}
