import type { Model } from '@tp/onnx'

/**
 * Takes out the shapes that a file declares for values in between; runtimes infer what they need. Where both sides of a residual have the
 * same declared shape, onnxruntime fuses their sum with the norm (SkipLayerNormalization), whose kernel takes several times as long as the two operators:
 * files of `quantize_dynamic`, which declares all shapes, are 1.15 times as fast without them (MiniLM, 1 and 8 texts of 128 tokens).
 */
export function forgetShapes({ proto }: Model): void {
  if (proto.graph !== undefined) proto.graph.valueInfo = []
}
