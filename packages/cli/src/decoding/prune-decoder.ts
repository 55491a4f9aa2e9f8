import { type DecoderInspection, lastLogits } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { endable } from '../command/endable.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { stageModel } from '../model/stage-model.ts'
import { megabytes } from '../output/numbers.ts'
import { decoderFacts } from './decoder-file.ts'

export interface PruneDecoderOptions {
  readonly out: string
  readonly verify: boolean
  readonly signal: AbortSignal
  readonly stage: (name: string) => void
}

/** What was written. */
export interface PrunedDecoder {
  readonly model: string
  readonly out: string
  readonly method: 'last logits'
  readonly layerCount: number
  readonly bytes: number
  readonly dataFiles: readonly string[]
  /** The largest difference of logits and caches, where they were compared. */
  readonly verification?: { readonly difference: number }
}

/**
 * Writes a decoder without what generating does not read: all logits but those of the last token.
 * @throws RefusalError; TpError TP_VERIFY, TP_WRITE, TP_ABORTED
 */
export async function pruneDecoder(
  file: ModelFile,
  decoder: DecoderInspection,
  { out, verify, signal, stage }: PruneDecoderOptions,
): Promise<PrunedDecoder> {
  const result = await endable(async () => lastLogits(file.model))
  if (!result.ok) throw new RefusalError(file.path, result.refusal)
  await using staged = await stageModel(result.model, file, out, signal)
  let difference: number | undefined
  if (verify) {
    stage('verifying')
    const { verifyLastLogits } = await import('./verify-last-logits.ts')
    difference = await verifyLastLogits(file, staged.path, decoder, signal)
  }
  throwIfAborted(signal, 'tp')
  await staged.commit()
  return {
    model: file.path,
    out,
    method: 'last logits',
    layerCount: decoder.layerCount,
    bytes: staged.bytes,
    dataFiles: staged.dataFiles,
    ...(difference !== undefined && { verification: { difference } }),
  }
}

export function describePruned(
  { out, bytes, dataFiles, verification }: PrunedDecoder,
  decoder: DecoderInspection,
): string {
  const facts = decoderFacts(decoder).filter(([name]) => name === 'decoder')
  return [
    `${out}  ${megabytes(bytes)}`,
    ...facts.map(([name, text]) => `${name}  ${text}`),
    `output ${decoder.logits} has the logits of the last token alone, and the last layer computes of the others only keys and values`,
    ...dataFiles.map((path) => `weights copied to ${path}`),
    ...(verification === undefined
      ? []
      : [
          `verified  a prompt and two tokens after it: logits and caches differ by ${verification.difference.toExponential(1)}`,
        ]),
  ].join('\n')
}
