import type { PruneOptions } from '@tp/compiler'

/** Which encoder of a model is pruned, and which of its tokens never are. */
export type EncoderOptions = Pick<PruneOptions, 'encoder' | 'protect' | 'protectSegment' | 'separator'>

/** Those that are given, out of more options: absent ones have no property. */
export function encoderOptions({ encoder, protect, protectSegment, separator }: EncoderOptions): EncoderOptions {
  return {
    ...(encoder !== undefined && { encoder }),
    ...(protect !== undefined && { protect }),
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
  }
}
