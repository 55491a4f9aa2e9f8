import type { Amount, Method } from '@tp/core'
import type { Decoder } from '../analyze/decoder.ts'
import { LEAST_TOKENS, planFields } from '../plan/plan.ts'
import { demand, requireOptions } from '../plan/require-options.ts'
import { addPrunedPrompt, type PrunedPrompt } from '../program/pruned-prompt.ts'
import { Refused } from '../program/refusal.ts'
import { checkCacheAmount } from '../prune/cache-amount.ts'
import { cutPrompt } from '../prune/prompt-cut.ts'
import { checkMethod } from '../prune/prune-options.ts'
import { decoderOf, opened } from './analysis.ts'
import { hasFloatCaches, hasOneRow, hasPrunedPrompt, hasWholePrompt, isDecoder, isUnpacked } from './conditions.ts'
import { leaveOutLogits } from './last-logits.ts'
import type { Transform } from './transform.ts'

export interface PrunePromptOptions {
  /** Scores the tokens of a prompt. */
  readonly method: Method
  /** How many tokens of a prompt later layers compute. */
  readonly amount: Amount
  /** The layer after whose attention tokens are pruned, from 0. */
  readonly layer: number
  /** Tokens of the prompt that are kept whatever their score, counted from its first real one; the last real one always is. */
  readonly protect?: readonly number[]
  /**
   * Of n new tokens at least min(n, `leastTokens`) are kept, so that a short prompt, or a short turn, is computed whole. Default 512: where a
   * prompt of 2,048 tokens was measured to keep as many, nothing was lost, and short prompts lose (docs/decoders.md). 0: no such limit.
   */
  readonly leastTokens?: number
}

/** The options where they are left out. */
export const PRUNE_PROMPT_DEFAULTS: Required<Pick<PrunePromptOptions, 'protect' | 'leastTokens'>> = {
  protect: [],
  leastTokens: LEAST_TOKENS,
}

export interface PrunePromptReport extends Omit<PrunedPrompt, 'version'> {
  readonly transform: 'prunePrompt'
}

/**
 * Makes a decoder compute some tokens of a prompt in its first layers only: after the attention of a layer the method scores
 * them, and layers after it compute, and keep in their caches, those that are kept. Positions stay those of the prompt. Tokens
 * decoded after it go through all layers, one token at a time, in the same file: of one new token one is kept. Several new tokens at
 * once (a further turn) are pruned like a prompt. Of no more than `leastTokens` new ones all are kept.
 *
 * Of the logits it gives those of the last real token, [b,1,V], which is always kept. Its inputs and outputs are those of the model; caches
 * of later layers are shorter than the others. Amounts count the real tokens of each example, and an example says the same alone and in
 * a batch, with its padding on either side: the slots that it has to spare come first in these caches, and have keys of zeros in the first
 * of these layers. Where GroupQueryAttention attends, a batch with padding ends in an error of the operator (seqlens_k is out of range), rather than in wrong numbers.
 *
 * A window of a layer that sees only the last tokens counts, after the prompt, the kept ones.
 *
 * Refused: TP_DECODER for what is not a decoder with caches; TP_LAYERS where no caches follow; TP_PRUNED where its prompt is pruned already;
 * TP_UNSUPPORTED_OP where attention is an operator that takes no positions (all but GroupQueryAttention), or what a method reads is
 * inside it; TP_POSITIONS where positions are counted by the length of a later cache; TP_MASK for a decoder without a mask of its tokens;
 * TP_HEADS; TP_QUANTIZED for caches of 8 bits.
 * @throws TpError TP_SCHEDULE, TP_OPTION for the amount and the least number; once applied, TP_METHOD for a method that does more than score
 * @example
 * const { model } = transform(decoder, prunePrompt({ method: lastQuery(), amount: { kind: 'ratio', value: 0.25 }, layer: 20 }))
 */
export function prunePrompt(options: PrunePromptOptions): Transform<PrunePromptReport> {
  requireOptions(options, ['method', 'amount', 'layer', 'protect', 'leastTokens'])
  checkMethod(options.method)
  checkCacheAmount(options.amount, options.layer)
  const { protect: byDefault, leastTokens: least } = PRUNE_PROMPT_DEFAULTS
  const { method, amount, layer, protect = byDefault, leastTokens = least } = options
  demand('leastTokens', leastTokens, planFields.leastTokens)
  return {
    name: 'prunePrompt',
    requires: [hasWholePrompt, isUnpacked, isDecoder, hasFloatCaches],
    ensures: [hasPrunedPrompt, hasOneRow()],
    apply(subject) {
      const own = opened(subject)
      const { program } = own
      const decoder = decoderOf(subject)
      requireLaterCaches(layer, decoder)
      leaveOutLogits(own, cutPrompt(program, decoder, { method, amount, layer, protect, leastTokens }))
      const facts = { method: method.name, layer, amount, ...(leastTokens > 0 && { leastTokens }) }
      addPrunedPrompt(program.model, facts)
      return { model: program.model, report: { transform: 'prunePrompt', ...facts } }
    },
  }
}

/** @throws Refused TP_LAYERS */
function requireLaterCaches(layer: number, { layers }: Decoder): void {
  const last = layers.length - 2
  if (layer <= last) return
  const reason = `after layer ${layer} no caches follow`
  throw new Refused('TP_LAYERS', last < 0 ? reason : `${reason}; name a layer from 0 to ${last}`)
}
