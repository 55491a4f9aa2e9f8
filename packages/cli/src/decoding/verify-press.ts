import { largestDifference, notVerified, requireFinite, rowOf } from '@tp/compare'
import { toHalf } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'

/** Tokens of the caches, of two examples. */
const TOKENS = 16
const EXAMPLES = 2

/**
 * Runs a press on random caches of two examples, and on those of each alone: the outputs are finite and the same.
 * @param bytes of the press
 * @throws TpError TP_VERIFY, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPress(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  await using process = boundedProcess(signal)
  await using session = await process.load(path, { bounds: boundsFor(bytes) })
  const uniform = randomNumbers(7)
  const caches = Object.fromEntries(
    session.inputs.map(({ name, type, dims }): [string, TensorLike] => {
      const sizes = dims.map((dim, axis) => (axis === 0 ? EXAMPLES : typeof dim === 'number' && dim > 0 ? dim : TOKENS))
      const data = Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => 2 * uniform() - 1)
      return [name, { type, dims: sizes, data: type === 'float16' ? Uint16Array.from(data, toHalf) : data }]
    }),
  )
  const together = await session.run(caches, { signal })
  requireFinite(together)
  for (let example = 0; example < EXAMPLES; example++) {
    const alone = await session.run(rowOf(caches, example), { signal })
    for (const [name, tensor] of Object.entries(rowOf(together, example))) {
      const difference = largestDifference(alone[name], tensor)
      if (difference > 0)
        throw notVerified(`cache "${name}" of example ${example} differs by ${difference} alone and in a batch`)
    }
  }
}
