import type { QuantizeOptions } from '../plan/quantize-options.ts'
import { readQuantizeOptions } from '../quantize/quantize-form.ts'
import { type QuantizedModel, quantizeModel } from '../quantize/quantize-model.ts'
import { isQuantized } from '../quantize/quantized-nodes.ts'
import { roundByToken } from '../quantize/round-by-token.ts'
import { canBeQuantized, hasOpset, isInEightBits, isUnpacked } from './conditions.ts'
import type { Transform } from './transform.ts'

export interface QuantizeReport extends Omit<QuantizedModel, 'model'> {
  readonly transform: 'quantize'
}

/**
 * Stores the weights of products and of embedding tables as 8-bit numbers, and computes the products with them. Activations are
 * quantized by the range that each token has in each run (dynamic quantization), so that an answer does not depend on the batch that it is
 * computed in. With `activations: 'tensor'` the range is that of all tokens: the result then computes what onnxruntime's `quantize_dynamic`
 * makes of the file with the same options. In either form the weights are the same as there bit for bit. Convolutions remain in float32, where
 * an 8-bit one is slower, and so do the bodies of Loop and Scan, and the small networks of a pruning method. Both branches
 * of an If are quantized (merged decoders). Embeddings that are the weights of the head, too, transposed, are stored once, with a scale
 * for each row. After transforms that take nodes out of the graph `exclude` may still name them.
 *
 * A file in 8 bits whose activations are quantized by the range of a batch (that of `quantize_dynamic`, or of `activations: 'tensor'`) keeps
 * its weights bit for bit, and its activations get a range for each token; other options than `exclude` mean nothing there.
 *
 * Refused: TP_QUANTIZED for other files with 8-bit operators, TP_PACK for a packed file, TP_OPSET before 11, TP_QUANTIZE where nothing is quantized (weights
 * of half precision among them), TP_VALUE for weights that are not finite.
 * @throws TpError TP_OPTION for an option that is unknown; once applied, for one that names a node that is not quantized
 * @example
 * const { model, reports: [{ nodes }] } = transform(dense, quantize({ exclude: ['/classifier/MatMul'] }))
 */
export function quantize(options: QuantizeOptions = {}): Transform<QuantizeReport> {
  const form = readQuantizeOptions(options)
  return {
    name: 'quantize',
    requires: [isUnpacked, hasOpset(11, '8-bit products'), canBeQuantized(form.activations)],
    ensures: [isInEightBits],
    apply({ model: before, source }) {
      const quantized = isQuantized(before)
        ? roundByToken(before, form.exclude, source)
        : quantizeModel(before, form, source)
      const { model, ...facts } = quantized
      return { model, report: { transform: 'quantize', ...facts } }
    },
  }
}
