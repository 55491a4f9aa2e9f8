import { type DecoderInspection, inspectDecoder, quantizeCaches, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { Model } from '@tp/onnx'
import { naming, RefusalError } from '../model/refusal-error.ts'

/** A decoder made from a file, with caches of 8 bits, and what is known of it. @throws RefusalError */
export function withEightBitCaches(
  { path }: ModelFile,
  source: Model,
): { readonly model: Model; readonly decoder: DecoderInspection } {
  const { model } = naming(path, () => transform(source, quantizeCaches()))
  const decoder = inspectDecoder(model)
  if (!decoder.ok) throw new RefusalError(path, decoder.refusal)
  return { model, decoder }
}
