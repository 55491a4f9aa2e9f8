import { type DecoderInspection, PRUNE_PROMPT_DEFAULTS, type PrunePromptOptions } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { pruneDecoderFile } from '@tp/plans/files'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { verifying } from '../model/write-model.ts'
import { lines } from '../printing/lines.ts'
import { megabytes } from '../printing/numbers.ts'
import { copiesText } from '../printing/pruned-report.ts'
import { verificationText } from '../printing/verification-text.ts'
import { decoderFacts, promptPlace } from './decoder-file.ts'

interface PruneDecoderOptions {
  readonly out: string
  /** How the prompt is pruned; absent: only logits that nobody reads are left out. */
  readonly prompt?: PrunePromptOptions | undefined
  readonly verify: boolean
  /** Called when it is known what is written, and again before the file gets its name. */
  beforeWriting(): Promise<void>
}

/** Writes a decoder as `pruneDecoderFile` of `@tp/plans/files` does. @returns its report */
export async function pruneDecoder(
  file: ModelFile,
  decoder: DecoderInspection,
  { out, prompt, verify, beforeWriting }: PruneDecoderOptions,
  context: Context,
): Promise<{ readonly content: object; readonly text: string }> {
  const { progress, signal } = context
  const { bytes, dataFiles, verification } = await pruneDecoderFile(file, out, {
    ...{ decoder, prompt, verify, ...verifying(context), signal, beforeWriting, compute: endable },
    onVerifying: () => progress.stage('verifying'),
  })
  const { layerCount, logits } = decoder
  const { leastTokens = PRUNE_PROMPT_DEFAULTS.leastTokens } = prompt ?? {}
  const method = prompt?.method.name ?? 'last logits'
  return {
    content: {
      ...{ model: file.path, out, method, layerCount },
      ...(prompt && { prompt: { layer: prompt.layer, amount: prompt.amount, leastTokens } }),
      ...{ bytes, dataFiles, ...(verification && { verification }) },
    },
    text: lines(
      `${out}  ${megabytes(bytes)}${prompt ? `, ${method}` : ''}`,
      decoderFacts(decoder).flatMap(([name, text]) => (name === 'decoder' ? `${name}  ${text}` : [])),
      prompt && promptText({ ...prompt, leastTokens }, decoder),
      prompt && shortPrompts(leastTokens),
      `output ${logits} has the logits of the last token alone, and the last layer computes of the others only keys and values`,
      copiesText(dataFiles),
      verificationText(verification),
    ),
  }
}

/** Says how short prompts are computed. */
function shortPrompts(leastTokens: number): string {
  if (leastTokens > 0) return `prompts of ${leastTokens} tokens or fewer are computed whole, as by the dense file`
  return 'short prompts are pruned, too, and other text follows these (docs/decoders.md): serve them by the dense file'
}

function promptText(prompt: PrunePromptOptions, { layerCount }: DecoderInspection): string {
  const [first, last] = [prompt.layer + 1, layerCount - 1]
  const later = first === last ? `layer ${first}` : `layers ${first} to ${last}`
  return `a prompt is pruned ${promptPlace(prompt)}; caches of ${later} are shorter than the others`
}
