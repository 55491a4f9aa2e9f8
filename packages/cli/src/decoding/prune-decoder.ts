import { promptsText, verifyDecoder, verifyPromptRuns } from '@tp/compare'
import { type DecoderInspection, lastLogits, type PrunePromptOptions, prunePrompt, transform } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { type StagedModel, stageModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { withinBounds } from '@tp/plans/files'
import { endable } from '../context/endable.ts'
import { megabytes } from '../printing/numbers.ts'
import { decoderFacts, promptPlace } from './decoder-file.ts'

export interface PruneDecoderOptions {
  readonly out: string
  /** How the prompt is pruned; absent: only logits that nobody reads are left out. */
  readonly prompt?: PrunePromptOptions | undefined
  readonly verify: boolean
  readonly signal: AbortSignal
  readonly stage: (name: string) => void
  /** Called when it is known what is written, and again before the file gets its name. */
  beforeWriting(): Promise<void>
}

/** The written file. */
export interface PrunedDecoder {
  readonly model: string
  readonly out: string
  /** How tokens of a prompt are chosen, or `last logits` where all are kept. */
  readonly method: string
  readonly layerCount: number
  /** Where the prompt is pruned, and how many tokens are kept; absent where it is not. */
  readonly prompt?: Pick<PrunePromptOptions, 'layer' | 'amount'>
  readonly bytes: number
  readonly dataFiles: readonly string[]
  /** The largest difference of logits and caches, where they were compared: with every token kept. */
  readonly verification?: { readonly difference: number; readonly prompts: string }
}

/**
 * Writes a decoder that computes only the logits of the last token, and, where requested, only some tokens of a prompt in its
 * later layers.
 * @throws RefusalError; TpError TP_VERIFY, TP_WRITE, TP_ABORTED, TP_METHOD, TP_OPTION, TP_SCHEDULE
 */
export async function pruneDecoder(
  file: ModelFile,
  decoder: DecoderInspection,
  options: PruneDecoderOptions,
): Promise<PrunedDecoder> {
  const { out, prompt, verify, signal, beforeWriting } = options
  const model = await endable(async () => pruned(file, prompt))
  await beforeWriting()
  await using staged = await stageModel(model, file, out, signal)
  const verification = verify ? await verified(file, decoder, staged, options) : undefined
  throwIfAborted(signal, 'tp')
  await beforeWriting()
  await staged.commit()
  return {
    model: file.path,
    out,
    method: prompt?.method.name ?? 'last logits',
    layerCount: decoder.layerCount,
    ...(prompt && { prompt: { layer: prompt.layer, amount: prompt.amount } }),
    bytes: staged.bytes,
    dataFiles: staged.dataFiles,
    ...(verification && { verification }),
  }
}

function pruned(file: ModelFile, prompt: PrunePromptOptions | undefined): Model {
  const shortened = prompt === undefined ? lastLogits() : prunePrompt(prompt)
  return transform(file.model, shortened).model
}

/** The largest difference with every token kept, and which prompts it was seen in; a prompt that loses some has to run, too. */
async function verified(
  file: ModelFile,
  decoder: DecoderInspection,
  staged: StagedModel,
  { out, prompt, signal, stage }: PruneDecoderOptions,
): Promise<NonNullable<PrunedDecoder['verification']>> {
  stage('verifying')
  const prompts = promptsText(decoder)
  const differenceOf = (path: string, prunesPrompts: boolean): Promise<number> =>
    withinBounds(file, path, signal, (pair) => verifyDecoder({ ...pair, decoder, prunesPrompts }))
  if (prompt === undefined) return { difference: await differenceOf(staged.path, false), prompts }
  await withinBounds(file, staged.path, signal, (pair) => verifyPromptRuns({ ...pair, decoder }))
  const whole = await endable(async () => pruned(file, { ...prompt, amount: { kind: 'ratio', value: 1 } }))
  await using forced = await stageModel(whole, file, out, signal)
  return { difference: await differenceOf(forced.path, true), prompts }
}

export function describePruned(
  { out, method, prompt, bytes, dataFiles, verification }: PrunedDecoder,
  decoder: DecoderInspection,
): string {
  const facts = decoderFacts(decoder).filter(([name]) => name === 'decoder')
  const when = prompt === undefined ? '' : 'with every token kept, '
  return [
    `${out}  ${megabytes(bytes)}${prompt ? `, ${method}` : ''}`,
    ...facts.map(([name, text]) => `${name}  ${text}`),
    ...(prompt ? [promptText(prompt, decoder)] : []),
    `output ${decoder.logits} has the logits of the last token alone, and the last layer computes of the others only keys and values`,
    ...dataFiles.map((path) => `weights copied to ${path}`),
    ...(verification === undefined
      ? []
      : [
          `verified  ${verification.prompts}, and two tokens after them: ${when}logits and caches differ by ${verification.difference.toExponential(1)}`,
        ]),
  ].join('\n')
}

function promptText(prompt: NonNullable<PrunedDecoder['prompt']>, { layerCount }: DecoderInspection): string {
  const [first, last] = [prompt.layer + 1, layerCount - 1]
  const later = first === last ? `layer ${first}` : `layers ${first} to ${last}`
  return `a prompt is pruned ${promptPlace(prompt)}; caches of ${later} are shorter than the others`
}
