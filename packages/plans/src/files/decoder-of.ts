import { type DecoderInspection, type inspect, inspectDecoder, Refused } from '@tp/compiler'
import type { ModelFile } from '@tp/data'

/**
 * The decoder of a file; undefined for a file with an encoder that can be pruned, and for what is neither.
 * @param encoder what was found when an encoder was looked for
 * @throws Refused for a decoder that cannot be followed
 * @example
 * const decoder = decoderOf(file, inspect(file.model))
 */
export function decoderOf({ model }: ModelFile, encoder: ReturnType<typeof inspect>): DecoderInspection | undefined {
  if (encoder.ok) return undefined
  const found = inspectDecoder(model)
  if (found.ok) return found
  // A model without caches is refused with the reason why it is not an encoder.
  const isDecoder = encoder.refusal.code === 'TP_DECODER' || found.refusal.code !== 'TP_DECODER'
  const { code, message, node } = found.refusal
  if (isDecoder) throw new Refused(code, message, node)
  return undefined
}
