import type { DecoderInspection } from '@tp/compiler'
import type { TensorLike } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { relativeDistance, requireFinite, requireFiniteDense } from '../differences.ts'
import type { Arrangement } from '../trials.ts'
import { arrangementOf, generating, lastRows, lastTokens, promptTrials, within } from './prompt-runs.ts'
import type { DecoderVerifyOptions } from './verify-decoder.ts'

/**
 * Runs a decoder and one whose numbers are rounded side by side: on a prompt of random tokens and two tokens after it, each with the caches
 * that it has returned itself; and on two prompts of unequal lengths, padded on either side.
 * @returns by arrangement, the largest distance of the last logits, as a share of their size (2-norms)
 * @throws TpError TP_VERIFY for logits that are not finite, TP_DENSE for those of the decoder itself, TP_INPUT
 */
export async function decoderDistances(
  options: Omit<DecoderVerifyOptions, 'prunesPrompts'> & {
    readonly model: Model
    /** The changed decoder, whose caches may be of 8 bits. */
    readonly after?: DecoderInspection
  },
): Promise<Partial<Record<Arrangement, number>>> {
  const { source, dense, changed, model, decoder, after: own = decoder, budget, signal } = options
  const distances: Partial<Record<Arrangement, number>> = {}
  for (const prompts of within(budget, promptTrials(source, decoder))) {
    const arrangement = arrangementOf(prompts)
    const after = generating(changed, model, own, prompts, signal)
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
