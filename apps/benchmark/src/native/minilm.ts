import { readFileSync } from 'node:fs'
import { pack, pruneOrThrow } from '@tp/compiler'
import { type Method, none, schedule, TpError } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { balanced } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { openMinilm } from '../foundations/minilm.ts'
import type { Context } from '../report/section.ts'

/** The method that is timed: the default of the toolkit, which reads the class token's attention and the received one. */
export const timedMethod: Method = balanced()
export const timedKeep = 0.7

/** MiniLM without dead tokens, and pruned; each as a padded and as a packed file. */
export interface MinilmFiles {
  readonly dense: Uint8Array
  readonly densePacked: Uint8Array
  readonly pruned: Uint8Array
  readonly prunedPacked: Uint8Array
}

export function minilmFiles({ shared }: Context): MinilmFiles {
  const model = decodeModel(readFileSync(shared('models', 'minilm-sentiment', 'model.onnx')))
  const dense = pruneOrThrow(model, { method: none(), schedule: new Map() }, 'benchmark').model
  const pruned = pruneOrThrow(
    model,
    { method: timedMethod, schedule: schedule(6, { keep: timedKeep }) },
    'benchmark',
  ).model
  return {
    dense: encodeModel(dense),
    densePacked: encodeModel(packedModel(dense)),
    pruned: encodeModel(pruned),
    prunedPacked: encodeModel(packedModel(pruned)),
  }
}

/** @throws TpError with the code and the sentence of the refusal */
function packedModel(model: Model): Model {
  const packed = pack(model)
  if (packed.ok) return packed.model
  throw new TpError(packed.refusal.code, 'benchmark', packed.refusal.message)
}

/** Reviews as they come, `size` in each batch, padded to its longest; and what share of the batches is no padding. */
export async function reviewBatches(
  context: Context,
  size: number,
  count: number,
): Promise<{ readonly inputs: NamedTensors[]; readonly real: number }> {
  const subject = await openMinilm(context, ['imdb', 'test.tsv'], size * count)
  const rows = Array.from({ length: count }, (_, i) => Array.from({ length: size }, (_, j) => i * size + j))
  const inputs = await Promise.all(rows.map((batch) => subject.inputs.feeds(batch)))
  const lengths = rows.map((batch) => batch.map((row) => subject.lengths[row] as number))
  const tokens = lengths.flat().reduce((a, b) => a + b, 0)
  const padded = lengths.reduce((sum, batch) => sum + size * Math.max(...batch), 0)
  return { inputs, real: tokens / padded }
}
