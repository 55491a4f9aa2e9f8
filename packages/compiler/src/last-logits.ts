import { isUnknown } from '@tp/core/expression'
import type { Model } from '@tp/onnx'
import {
  type Decoder,
  type DecoderLayer,
  findDecoder,
  requireFloatCaches,
  saysHowManyLogits,
} from './analyze/decoder.ts'
import { traceTokens } from './analyze/token-axis.ts'
import { type Opened, openModel } from './normalize/open.ts'
import { withEqualSizes } from './program/program.ts'
import { type Refusal, Refused, refusalOf } from './program/refusal.ts'
import { computeLastOf } from './transform/dead-tokens.ts'
import { foldOpened } from './transform/fold.ts'

/** What became of a decoder: the changed model, or why not. */
export type DecoderResult =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly refusal: Refusal }

export interface LastLogitsOptions {
  /**
   * Whether heads of keys and values that several queries share are read once instead of being copied for each (default). Then results
   * differ by rounding; without it all caches are the same to the bit.
   */
  readonly groupHeads?: boolean | undefined
}

/**
 * A decoder that gives the logits of the last token alone, [b,1,V] instead of [b,n,V], which is what generating reads. Exact:
 * the last layer computes keys and values of all tokens, since they are outputs, and of the rest only the last token. Decoding
 * one token at a time is as before, but that keys and values which several queries share (grouped attention) are no longer copied for
 * each of them: a step after a long text is then up to twice as fast. With left padding, as is usual in batches, the last token is the last one of every example.
 * The model itself is not changed; weights are shared with the result.
 *
 * Who scores whole sequences needs the logits of all tokens, and the model as it is.
 *
 * Refused: TP_DECODER for what is not a decoder with caches, or gives the last logits already; TP_CONTROL_FLOW for a merged decoder;
 * TP_QUANTIZED for caches of 8 bits.
 * @throws TpError TP_NOT_ONNX for what is no model
 */
export function lastLogits(model: Model, options: LastLogitsOptions = {}): DecoderResult {
  try {
    return { ok: true, model: withEqualSizes(() => withLastLogits(model, options)) }
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function withLastLogits(source: Model, options: LastLogitsOptions): Model {
  const opened = openModel(source)
  const decoder = findDecoder(opened.program)
  requireFloatCaches(decoder.layers)
  leaveOutLogits(opened, decoder, options)
  return opened.program.model
}

/**
 * Leaves out of an opened decoder all logits but the last, and folds again what was opened.
 * @throws Refused TP_DECODER if there is nothing to leave out
 */
export function leaveOutLogits(
  { program, expansions }: Opened,
  { layers, lastInput, logits }: Decoder,
  options: LastLogitsOptions = {},
): void {
  const wanted = program.graph.inputs.find(({ name }) => saysHowManyLogits(name))
  if (wanted !== undefined) {
    const reason = `the model computes as many logits as its input ${wanted.name} says`
    throw new Refused('TP_DECODER', `${reason}; there is nothing to leave out`)
  }
  const { fused, context } = (layers.at(-1) as DecoderLayer).attention
  const { dtype, dims } = program.tensor(logits)
  const axis = traceTokens(program, lastInput, {
    stops: layers.flatMap(({ keys, values }) => [keys.node, values.node]),
    alongside: fused === undefined ? [] : [context],
  })
  if (dims[1] === 1 || !computeLastOf(program, logits, lastInput, axis)) {
    throw new Refused(
      'TP_DECODER',
      `the output ${logits} has the last token alone already; there is nothing to leave out`,
    )
  }
  program.graph.removeDeadNodes()
  foldOpened(program, expansions, options)
  program.refresh()
  const now = program.tensor(logits)
  if (now.dims[1] !== 1)
    throw new Refused('TP_DECODER', `the output ${logits} would be ${now}, not one row of each example`)
  const declared = dims.map((dim, i) => (i === 1 ? 1 : isUnknown(dim) ? undefined : dim))
  program.graph.setValueInfo(logits, dtype, declared)
}
