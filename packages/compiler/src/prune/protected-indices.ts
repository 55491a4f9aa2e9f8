import { TpError } from '@tp/core'
import { shown } from '@tp/core/host'
import type { Encoder } from '../analyze/encoder.ts'

/** No example has more tokens: shapes of tensors end here. */
const LAST = 2 ** 31 - 1

/** Positions that are always kept: those found by data flow, or those that are named. @throws TpError TP_PROTECT */
export function protectedIndices(encoder: Encoder, protect: 'auto' | readonly number[]): readonly number[] {
  if (protect === 'auto') return encoder.protectedTokens
  const positions = checkProtected(protect, encoder)
  const before = encoder.earlier && new Set(encoder.earlier.protectedTokens)
  const gone = before && positions.find((position) => !before.has(position))
  if (gone === undefined) return positions
  const reason = `position ${gone} was not protected when the model was pruned before, and may be gone`
  throw new TpError('TP_PROTECT', 'compiler', `${reason}; protect others`)
}

function checkProtected(positions: readonly number[], encoder: Encoder): readonly number[] {
  for (const position of positions) {
    if (!Number.isInteger(position) || position < 0 || position > LAST) {
      throw new TpError(
        'TP_PROTECT',
        'compiler',
        `protected position ${shown(position)} is not an index; count tokens from 0`,
      )
    }
    if (typeof encoder.tokens === 'number' && position >= encoder.tokens) {
      throw new TpError(
        'TP_PROTECT',
        'compiler',
        `protected position ${position} does not exist: the model has ${encoder.tokens} tokens`,
      )
    }
  }
  // Tokens that the head reads by position have to be kept there, whatever the options.
  return [...new Set([...encoder.required, ...positions])]
}
