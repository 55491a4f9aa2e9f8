import { isUnknown } from '@tp/core/expression'
import { type Decoder, type DecoderLayer, saysHowManyLogits } from '../analyze/decoder.ts'
import { traceTokens } from '../analyze/token-axis.ts'
import type { Opened } from '../normalize/open.ts'
import { requireOptions } from '../plan/require-options.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { computeLastOf } from '../prune/dead-tokens.ts'
import { foldOpened } from '../prune/fold.ts'
import { decoderOf, opened } from './analysis.ts'
import { hasFloatCaches, hasOneRow, isDecoder, isUnpacked } from './conditions.ts'
import type { Condition, Transform } from './transform.ts'

export interface LastLogitsOptions {
  /**
   * Whether heads of keys and values that several queries share are read once instead of being copied for each (default). Then results
   * differ by rounding; without it all caches are the same to the bit.
   */
  readonly groupHeads?: boolean | undefined
}

/** The options where they are left out. */
export const LAST_LOGITS_DEFAULTS: { readonly groupHeads: boolean } = { groupHeads: true }

export interface LastLogitsReport {
  readonly transform: 'lastLogits'
  /** The output, [b,1,V]. */
  readonly logits: string
}

/**
 * Makes a decoder give the logits of the last token alone, [b,1,V] instead of [b,n,V], which is what generating reads. Exact:
 * the last layer computes keys and values of all tokens, since they are outputs, and of the rest only the last token. Decoding
 * one token at a time is as before, but that keys and values which several queries share (grouped attention) are no longer copied for
 * each of them: a step after a long text is then up to twice as fast. With left padding, as is usual in batches, the last token is the last one of every example.
 *
 * Programs that score whole sequences need the logits of all tokens, and the model as it is.
 *
 * Refused: TP_DECODER for what is not a decoder with caches, gives the last logits already, or computes something from those of all tokens; TP_CONTROL_FLOW for a merged decoder;
 * TP_QUANTIZED for caches of 8 bits.
 * @example
 * const { model } = transform(decoder, lastLogits(), quantize())
 */
export function lastLogits(options: LastLogitsOptions = {}): Transform<LastLogitsReport> {
  requireOptions(options, ['groupHeads'])
  return {
    name: 'lastLogits',
    requires: [isUnpacked, isDecoder, hasFloatCaches, hasAllLogits],
    ensures: [hasOneRow()],
    apply(subject) {
      const own = opened(subject)
      const decoder = decoderOf(subject)
      leaveOutLogits(own, decoder, options)
      return { model: own.program.model, report: { transform: 'lastLogits', logits: decoder.logits } }
    },
  }
}

const hasAllLogits: Condition = {
  name: 'gives the logits of all tokens',
  check: (subject) => requireAllLogits(opened(subject).program, decoderOf(subject)),
}

/** @throws Refused TP_DECODER */
function requireAllLogits(program: Program, { logits }: Decoder): void {
  const count = program.graph.inputs.find(({ name }) => saysHowManyLogits(name))
  if (count !== undefined) {
    const reason = `the model computes as many logits as its input ${count.name} says`
    throw new Refused('TP_DECODER', `${reason}; there is nothing to leave out`)
  }
  if (program.tensor(logits).dims[1] === 1)
    throw new Refused(
      'TP_DECODER',
      `the output ${logits} has the last token alone already; there is nothing to leave out`,
    )
}

/** The refusal of a decoder of whose logits no token can be left out. */
function requiredWhole(program: Program, logits: string): Refused {
  const reader = program.graph.outputs.find(({ name }) => name !== logits && program.before(name).has(logits))
  const reason =
    reader === undefined
      ? `the output ${logits} is computed for all tokens together, so none can be left out`
      : `the output ${reader.name} is computed from the logits of all tokens, so none can be left out; export the decoder without it`
  return new Refused('TP_DECODER', reason, program.graph.producer(logits))
}

/**
 * Leaves out of an opened decoder all logits but the last, and folds again what was opened.
 * @throws Refused TP_DECODER if there is nothing to leave out
 */
export function leaveOutLogits(
  { program, expansions }: Opened,
  decoder: Decoder,
  { groupHeads = LAST_LOGITS_DEFAULTS.groupHeads }: LastLogitsOptions = {},
): void {
  requireAllLogits(program, decoder)
  const { layers, lastInput, logits } = decoder
  const { fused, context } = (layers.at(-1) as DecoderLayer).attention
  const { dtype, dims } = program.tensor(logits)
  const axis = traceTokens(program, lastInput, {
    stops: layers.flatMap(({ keys, values }) => [keys.node, values.node]),
    alongside: fused === undefined ? [] : [context],
  })
  if (!computeLastOf(program, logits, lastInput, axis)) throw requiredWhole(program, logits)
  program.graph.removeDeadNodes()
  foldOpened(program, expansions, { groupHeads })
  program.refresh()
  const now = program.tensor(logits)
  if (now.dims[1] !== 1)
    throw new Refused('TP_DECODER', `the output ${logits} would be ${now}, not one row of each example`)
  const declared = dims.map((dim, i) => (i === 1 ? 1 : isUnknown(dim) ? undefined : dim))
  program.graph.setValueInfo(logits, dtype, declared)
}
