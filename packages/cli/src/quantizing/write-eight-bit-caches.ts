import { basename } from 'node:path'
import { type DecoderInspection, inspectDecoder, quantizeCaches, Refused, transform } from '@tp/compiler'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { decoderFacts } from '../decoding/decoder-file.ts'
import { readModelFile } from '../model/model-file.ts'
import { writeModel } from '../model/write-model.ts'
import { lines } from '../printing/lines.ts'
import { megabytes } from '../printing/numbers.ts'
import { copiesText } from '../printing/pruned-report.ts'
import { verificationText } from '../printing/verification-text.ts'

/**
 * Writes a decoder whose caches are of 8 bits.
 * @returns its report
 * @throws Refused; TpError TP_WRITE, TP_ABORTED
 */
export async function quantizedCaches(
  path: string,
  out: string,
  verify: boolean,
  context: Context,
): Promise<{ readonly content: object; readonly text: string }> {
  const { progress, signal, files } = context
  const file = await endable(() => readModelFile(path, { signal, files }))
  progress.stage(`quantizing the caches of ${basename(path)}`)
  const { model } = await endable(async () => transform(file.model, quantizeCaches()))
  const decoder = inspectDecoder(model)
  if (!decoder.ok) throw new Refused(decoder.refusal.code, decoder.refusal.message, decoder.refusal.node)
  const written = await writeModel({ model, file, out, verify }, context)
  const bytesPerToken = bytesOf(decoder)
  const about = { model: path, out, caches: 'int8', layerCount: decoder.layerCount }
  const size = bytesPerToken && `: ${bytesPerToken.after} bytes a token, were ${bytesPerToken.before}`
  return {
    content: { ...about, ...written, ...(bytesPerToken && { bytesPerToken }) },
    text: lines(
      `wrote ${out} (${megabytes(written.bytes)})`,
      decoderFacts(decoder).flatMap(([name, text]) => (/^(decoder|caches)$/.test(name) ? `${name}  ${text}` : [])),
      `every key and value is stored in 8 bits with a scale of its own${size ?? ''}`,
      copiesText(written.dataFiles),
      verificationText(written.verification),
    ),
  }
}

/** Bytes of the caches of one token; undefined where the heads are of a size that is not known. */
function bytesOf({ layerCount, keyHeads, headSize }: DecoderInspection): { before: number; after: number } | undefined {
  if (typeof keyHeads !== 'number' || typeof headSize !== 'number') return undefined
  const rows = 2 * layerCount * keyHeads
  return { before: rows * headSize * 4, after: rows * (headSize + 4) }
}
