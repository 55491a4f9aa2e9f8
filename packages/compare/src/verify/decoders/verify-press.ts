import type { AbortSignalLike, Session } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { rowOf } from '../../inputs/rows.ts'
import { tensorOf } from '../../inputs/sample-inputs.ts'
import { largestDifference, notVerified, requireFinite } from '../differences.ts'

/** Tokens of the caches, of two examples. */
const TOKENS = 16
export const EXAMPLES = 2

/**
 * Runs a press on random caches of two examples, and on those of each alone: the outputs are finite and the same.
 * @throws TpError TP_VERIFY, TP_INPUT
 */
export async function verifyPress(press: Session, signal?: AbortSignalLike): Promise<void> {
  const uniform = randomNumbers(7)
  const run = signal && { signal }
  const caches = Object.fromEntries(
    press.inputs.map(({ name, type, dims }) => {
      const sizes = dims.map((dim, axis) => (axis === 0 ? EXAMPLES : typeof dim === 'number' && dim > 0 ? dim : TOKENS))
      const numbers = Float64Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => 2 * uniform() - 1)
      return [name, tensorOf(name, type, sizes, numbers)]
    }),
  )
  const together = await press.run(caches, run)
  requireFinite(together)
  for (let example = 0; example < EXAMPLES; example++) {
    const alone = await press.run(rowOf(caches, example), run)
    for (const [name, tensor] of Object.entries(rowOf(together, example))) {
      const difference = largestDifference(alone[name], tensor)
      if (difference > 0)
        throw notVerified(`cache "${name}" of example ${example} differs by ${difference} alone and in a batch`)
    }
  }
}
