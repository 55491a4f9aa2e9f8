import { promptsText, verifyDecoder, verifyPromptRuns } from '@tp/compare'
import { type DecoderInspection, lastLogits, type PrunePromptOptions, prunePrompt, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { stageModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { withinBounds } from '@tp/plans/files'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { writeModel } from '../model/write-model.ts'
import { lines } from '../printing/lines.ts'
import { megabytes } from '../printing/numbers.ts'
import { copiesText } from '../printing/pruned-report.ts'
import { decoderFacts, promptPlace } from './decoder-file.ts'

interface PruneDecoderOptions {
  readonly out: string
  /** How the prompt is pruned; absent: only logits that nobody reads are left out. */
  readonly prompt?: PrunePromptOptions | undefined
  readonly verify: boolean
  /** Called when it is known what is written, and again before the file gets its name. */
  beforeWriting(): Promise<void>
}

/**
 * Writes a decoder that computes only the logits of the last token, and, where requested, only some tokens of a prompt in its
 * later layers.
 * @returns its report
 * @throws Refused; TpError TP_VERIFY, TP_WRITE, TP_ABORTED, TP_METHOD, TP_OPTION, TP_SCHEDULE
 */
export async function pruneDecoder(
  file: ModelFile,
  decoder: DecoderInspection,
  { out, prompt, verify, beforeWriting }: PruneDecoderOptions,
  context: Context,
): Promise<{ readonly content: object; readonly text: string }> {
  const { signal } = context
  const model = await endable(async () => pruned(file, prompt))
  await beforeWriting()
  const differenceOf = (at: string, prunesPrompts: boolean): Promise<number> =>
    withinBounds(file, at, signal, (pair) => verifyDecoder({ ...pair, decoder, prunesPrompts }))
  /** With every token kept; a prompt that loses some has to run, too. */
  const verified = async (at: string): Promise<{ difference: number; prompts: string }> => {
    const prompts = promptsText(decoder)
    if (prompt === undefined) return { difference: await differenceOf(at, false), prompts }
    await withinBounds(file, at, signal, (pair) => verifyPromptRuns({ ...pair, decoder }))
    const whole = await endable(async () => pruned(file, { ...prompt, amount: { kind: 'ratio', value: 1 } }))
    await using forced = await stageModel(whole, file, out, signal)
    return { difference: await differenceOf(forced.path, true), prompts }
  }
  const to = { model, file, out, verify: verify && verified, beforeCommit: beforeWriting }
  const { bytes, dataFiles, verification } = await writeModel(to, context)
  const { layerCount, logits } = decoder
  const method = prompt?.method.name ?? 'last logits'
  const { difference, prompts } = verification ?? {}
  return {
    content: {
      ...{ model: file.path, out, method, layerCount },
      ...(prompt && { prompt: { layer: prompt.layer, amount: prompt.amount } }),
      ...{ bytes, dataFiles, ...(verification && { verification }) },
    },
    text: lines(
      `${out}  ${megabytes(bytes)}${prompt ? `, ${method}` : ''}`,
      decoderFacts(decoder).flatMap(([name, text]) => (name === 'decoder' ? `${name}  ${text}` : [])),
      prompt && promptText(prompt, decoder),
      `output ${logits} has the logits of the last token alone, and the last layer computes of the others only keys and values`,
      copiesText(dataFiles),
      difference !== undefined &&
        `verified  ${prompts}, and two tokens after them: ${prompt ? 'with every token kept, ' : ''}logits and caches differ by ${difference.toExponential(1)}`,
    ),
  }
}

function pruned(file: ModelFile, prompt: PrunePromptOptions | undefined): Model {
  const shortened = prompt === undefined ? lastLogits() : prunePrompt(prompt)
  return transform(file.model, shortened).model
}

function promptText(prompt: PrunePromptOptions, { layerCount }: DecoderInspection): string {
  const [first, last] = [prompt.layer + 1, layerCount - 1]
  const later = first === last ? `layer ${first}` : `layers ${first} to ${last}`
  return `a prompt is pruned ${promptPlace(prompt)}; caches of ${later} are shorter than the others`
}
