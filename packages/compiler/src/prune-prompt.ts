import type { Amount, Method } from '@tp/core'
import type { Model } from '@tp/onnx'
import { findDecoder, requireFloatCaches } from './analyze/decoder.ts'
import { type DecoderResult, leaveOutLogits } from './last-logits.ts'
import { openModel } from './normalize/open.ts'
import { withEqualSizes } from './program/program.ts'
import { addPrunedPrompt, readPrunedPrompt } from './program/pruned-prompt.ts'
import { Refused, refusalOf } from './program/refusal.ts'
import { checkCacheAmount } from './transform/cache-amount.ts'
import { cutPrompt } from './transform/prompt-cut.ts'

export interface PrunePromptOptions {
  /** Scores the tokens of a prompt. */
  readonly method: Method
  /** How many tokens of a prompt later layers compute. */
  readonly amount: Amount
  /** The layer after whose attention tokens are pruned, from 0. */
  readonly layer: number
  /** Tokens of the prompt that are kept whatever their score, counted from its first real one; the last real one always is. */
  readonly protect?: readonly number[]
}

/**
 * A decoder that computes some tokens of a prompt in its first layers only: after the attention of a layer the method scores
 * them, and layers after it compute, and keep in their caches, those that are kept. Positions stay those of the prompt. What is decoded
 * after it goes through all layers, one token at a time, in the same file: of one new token one is kept. Several new tokens at
 * once (a further turn) are pruned like a prompt.
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
 * inside it; TP_MASK for a decoder without a mask of its tokens; TP_HEADS; TP_QUANTIZED for caches of 8 bits.
 * @throws TpError TP_METHOD for a method that does more than score; TP_SCHEDULE, TP_OPTION for the amount; TP_NOT_ONNX for what is no model
 * @example
 * const result = prunePrompt(model, { method: lastQuery(), amount: { kind: 'ratio', value: 0.25 }, layer: 20 })
 */
export function prunePrompt(source: Model, options: PrunePromptOptions): DecoderResult {
  checkCacheAmount(options.amount, options.layer)
  try {
    return { ok: true, model: withEqualSizes(() => withPrunedPrompt(source, options)) }
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function withPrunedPrompt(source: Model, { protect = [], ...options }: PrunePromptOptions): Model {
  const before = readPrunedPrompt(source)
  if (before !== undefined) {
    const reason = `the prompt is pruned after layer ${before.layer} already, by ${before.method}`
    throw new Refused('TP_PRUNED', `${reason}; work on the file that it was made from`)
  }
  const opened = openModel(source)
  const decoder = findDecoder(opened.program)
  requireFloatCaches(decoder.layers)
  const { layer } = options
  const last = decoder.layers.length - 2
  if (layer > last) {
    const reason = `after layer ${layer} no caches follow`
    throw new Refused('TP_LAYERS', last < 0 ? reason : `${reason}; name a layer from 0 to ${last}`)
  }
  leaveOutLogits(opened, cutPrompt(opened.program, decoder, { ...options, protect }))
  const { model } = opened.program
  addPrunedPrompt(model, { method: options.method.name, layer, amount: options.amount })
  return model
}
