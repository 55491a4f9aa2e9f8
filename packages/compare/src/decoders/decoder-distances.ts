import type { TensorLike } from '@tp/core/runtime'
import { relativeDistance, requireFinite, requireFiniteDense } from '../verify/differences.ts'
import type { Arrangement } from '../verify/trials.ts'
import { generating, lastRows, lastTokens, type Prompts, promptTrials } from './prompt-runs.ts'
import type { DecoderVerifyOptions } from './verify-decoder.ts'

/**
 * Runs a decoder and one whose numbers are rounded side by side: on a prompt of random tokens and two tokens after it, each with the caches
 * that it has returned itself; and on two prompts of unequal lengths, padded on either side.
 * @returns by arrangement, the largest distance of the last logits, as a share of their size (2-norms)
 * @throws TpError TP_VERIFY for logits that are not finite, TP_DENSE for those of the decoder itself, TP_INPUT
 */
export async function decoderDistances(
  options: Omit<DecoderVerifyOptions, 'prunesPrompts'>,
): Promise<Partial<Record<Arrangement, number>>> {
  const { source, dense, changed, decoder, signal } = options
  const distances: Partial<Record<Arrangement, number>> = {}
  for (const prompts of promptTrials(source, decoder)) {
    const arrangement = arrangementOf(prompts)
    const after = generating(changed, source, decoder, prompts, signal)
    // Only those of a prompt have rows of padding.
    let ends: number[] | undefined = lastTokens(prompts)
    for await (const before of generating(dense, source, decoder, prompts, signal)) {
      const { value: answer } = await after.next()
      const [expected, actual] = [before, answer ?? {}].map((outputs) =>
        lastRows(outputs[decoder.logits] as TensorLike, ends),
      ) as [TensorLike, TensorLike]
      requireFiniteDense({ [decoder.logits]: expected })
      requireFinite({ [decoder.logits]: actual })
      distances[arrangement] = Math.max(distances[arrangement] ?? 0, relativeDistance(actual, expected))
      ends = undefined
    }
  }
  return distances
}

function arrangementOf({ lengths, padded }: Prompts): Arrangement {
  if (lengths.length === 1) return 'alone'
  return new Set(lengths).size === 1 ? 'in a batch' : `padded ${padded}`
}
