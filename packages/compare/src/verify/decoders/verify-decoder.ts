import type { DecoderInspection } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import {
  areFinite,
  largestDifference,
  notVerified,
  requireClose,
  requireFinite,
  requireFiniteDense,
} from '../differences.ts'
import { roundingOf } from '../rounding.ts'
import type { ModelPair } from './model-pair.ts'
import {
  generating,
  generatingRuns,
  lastExample,
  lastRows,
  lastTokens,
  promptTrials,
  withEmptySlots,
  within,
} from './prompt-runs.ts'

export interface DecoderVerifyOptions extends ModelPair {
  readonly decoder: DecoderInspection
  /** Milliseconds after which no further prompts are begun. */
  readonly budget: number
  /** Prompts are pruned, with every token kept: then slots to spare come first in caches, and logits are those of the last real token. */
  readonly prunesPrompts?: boolean
}

/**
 * Runs a decoder and the one with the last logits side by side: on a prompt of random tokens and two tokens after it, each with the
 * caches that it has returned itself; and on two prompts of unequal lengths, padded on either side.
 * @returns the largest difference of logits and caches, relative for numbers beyond 1
 * @throws TpError TP_VERIFY, TP_DENSE where the decoder itself does not hold, TP_INPUT
 */
export async function verifyDecoder(options: DecoderVerifyOptions): Promise<number> {
  const { source, dense, changed, decoder, prunesPrompts, budget, signal } = options
  let largest = 0
  for (const prompts of within(budget, promptTrials(source, decoder))) {
    const isPadded = new Set(prompts.lengths).size > 1
    const after = generating(changed, source, decoder, prompts, signal)
    let isPrompt = true
    for await (const before of generating(dense, source, decoder, prompts, signal)) {
      // Rows of padding on the left see no token at all, which some decoders have no numbers for.
      if (isPadded && !areFinite(before)) break
      requireFiniteDense(before)
      const ends = isPrompt && isPadded && prunesPrompts ? lastTokens(prompts) : undefined
      const logits = { [decoder.logits]: lastRows(before[decoder.logits] as TensorLike, ends) }
      const { value: actual } = await after.next()
      const expected = isPadded && prunesPrompts ? logits : { ...before, ...logits }
      largest = Math.max(largest, requireClose(actual as NamedTensors, expected, roundingOf(source)))
      isPrompt = false
    }
  }
  return largest
}

/**
 * Runs a decoder whose later caches are shorter on the same prompts. A step after a pruned prompt says the same where these caches have slots
 * more that hold no token: nothing is counted by their length.
 * @throws TpError TP_VERIFY for an output that is not finite, or a step that differs; TP_INPUT
 */
export async function verifyPromptRuns(options: Omit<DecoderVerifyOptions, 'dense' | 'prunesPrompts'>): Promise<void> {
  const { source, changed, decoder, budget, signal } = options
  for (const prompts of within(budget, promptTrials(source, decoder))) {
    for await (const { feeds, answer } of generatingRuns(changed, source, decoder, prompts, signal)) {
      if (prompts.lengths.length === 1) requireFinite(answer)
      else requireFinite({ [decoder.logits]: answer[decoder.logits] as TensorLike })
      const isPadded = new Set(prompts.lengths).size > 1
      const longer = isPadded ? withEmptySlots(feeds, decoder) : undefined
      if (longer !== undefined) requireSame(options, answer, await changed.run(longer, signal && { signal }))
    }
  }
}

/**
 * The last example, which has padding.
 * @throws TpError TP_VERIFY where its logits differ
 */
function requireSame(
  { source, decoder: { logits } }: Pick<DecoderVerifyOptions, 'source' | 'decoder'>,
  answer: NamedTensors,
  withSlots: NamedTensors,
): void {
  const [actual, expected] = [withSlots, answer].map((outputs) => lastExample(outputs[logits] as TensorLike))
  const difference = largestDifference(actual, expected as TensorLike)
  if (difference <= roundingOf(source)) return
  const seen = `after a pruned prompt "${logits}" differs by ${difference}`
  throw notVerified(`${seen} where the caches of later layers have slots more that hold no token`)
}
