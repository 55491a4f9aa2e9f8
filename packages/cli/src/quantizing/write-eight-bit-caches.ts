import { type DecoderInspection, inspectDecoder, quantizeCaches, Refused, transform } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { stageModel } from '@tp/data/files'
import { endable } from '../context/endable.ts'
import { decoderFacts } from '../decoding/decoder-file.ts'
import { megabytes } from '../printing/numbers.ts'

/** The written files. */
export interface EightBitCaches {
  readonly model: string
  readonly out: string
  readonly caches: 'int8'
  readonly layerCount: number
  /** Bytes of the caches of one token; absent where the heads are of a size that is not known. */
  readonly bytesPerToken?: { readonly before: number; readonly after: number }
  readonly bytes: number
  readonly dataFiles: readonly string[]
}

/**
 * Writes a decoder whose caches are of 8 bits.
 * @throws RefusalError; TpError TP_WRITE, TP_ABORTED
 */
export async function writeEightBitCaches(
  file: ModelFile,
  out: string,
  signal: AbortSignal,
): Promise<{ readonly report: EightBitCaches; readonly decoder: DecoderInspection }> {
  const { model } = await endable(async () => transform(file.model, quantizeCaches()))
  const decoder = inspectDecoder(model)
  if (!decoder.ok) throw new Refused(decoder.refusal.code, decoder.refusal.message, decoder.refusal.node)
  await using staged = await stageModel(model, file, out, signal)
  throwIfAborted(signal, 'tp')
  await staged.commit()
  const { bytes, dataFiles } = staged
  const { layerCount } = decoder
  const bytesPerToken = bytesOf(decoder)
  const report = { model: file.path, out, caches: 'int8', layerCount, bytes, dataFiles } as const
  return { report: { ...report, ...(bytesPerToken && { bytesPerToken }) }, decoder }
}

function bytesOf({ layerCount, keyHeads, headSize }: DecoderInspection): EightBitCaches['bytesPerToken'] {
  if (typeof keyHeads !== 'number' || typeof headSize !== 'number') return undefined
  const rows = 2 * layerCount * keyHeads
  return { before: rows * headSize * 4, after: rows * (headSize + 4) }
}

export function describeEightBitCaches(
  { out, bytes, bytesPerToken, dataFiles }: EightBitCaches,
  decoder: DecoderInspection,
): string {
  const size = bytesPerToken && `: ${bytesPerToken.after} bytes a token, were ${bytesPerToken.before}`
  return [
    `wrote ${out} (${megabytes(bytes)})`,
    ...decoderFacts(decoder)
      .filter(([name]) => name === 'decoder' || name === 'caches')
      .map(([name, text]) => `${name}  ${text}`),
    `every key and value is stored in 8 bits with a scale of its own${size ?? ''}`,
    ...dataFiles.map((path) => `weights copied to ${path}`),
  ].join('\n')
}
