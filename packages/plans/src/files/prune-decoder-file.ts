import {
  type DecoderInspection,
  lastLogits,
  type Plan,
  type PrunePromptOptions,
  prunePrompt,
  type Refusal,
  transform,
  whyRefused,
} from '@tp/compiler'
import { type Amount, type Method, TpError } from '@tp/core'
import { amountRules } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { commitModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { type FileVerification, type VerifyFileOptions, verifyFile } from './verify-file.ts'

export interface PruneDecoderFileOptions {
  /** The findings of `inspectDecoder`. */
  readonly decoder: DecoderInspection
  /** How the prompt is pruned; absent: only logits that nobody reads are left out. */
  readonly prompt?: PrunePromptOptions | undefined
  /** Whether the file is compared with its source, in a process of its own; default: true. */
  readonly verify?: boolean
  readonly budget?: VerifyFileOptions['budget']
  readonly runtime?: VerifyFileOptions['runtime']
  readonly signal: AbortSignal
  /** Called when it is known what is written, and again before the file gets its name. */
  beforeWriting?(): Promise<void>
  onVerifying?(): void
  /** Runs work that takes long and writes nothing; a caller may do that in a way that it can break off. */
  compute?(work: () => Model): Model | Promise<Model>
}

/** A decoder that was written. */
export interface WrittenDecoder {
  readonly bytes: number
  /** Data files that were copied next to it. */
  readonly dataFiles: readonly string[]
  readonly verification?: FileVerification
}

/**
 * Writes a decoder that computes only the logits of the last token, and, where requested, only some tokens of a prompt in its later
 * layers; whole or not at all.
 * @throws Refused; TpError TP_VERIFY, TP_WRITE, TP_ABORTED, TP_METHOD, TP_OPTION, TP_SCHEDULE
 * @example
 * const decoder = inspectDecoder(file.model)
 * if (decoder.ok) await pruneDecoderFile(file, 'pruned.onnx', { decoder, signal: AbortSignal.timeout(60_000) })
 */
export async function pruneDecoderFile(
  file: ModelFile,
  out: string,
  options: PruneDecoderFileOptions,
): Promise<WrittenDecoder> {
  const {
    prompt,
    verify = true,
    budget,
    runtime,
    signal,
    beforeWriting,
    onVerifying,
    compute = (work) => work(),
  } = options
  const model = await compute(() => pruned(file, prompt))
  await beforeWriting?.()
  const verified = async (path: string): Promise<FileVerification> => {
    onVerifying?.()
    const methods = prompt === undefined ? [] : [{ method: prompt.method }]
    return await verifyFile({ model, path }, file, { methods, budget, runtime, signal })
  }
  return await commitModel(model, file, out, {
    ...{ signal, beforeCommit: beforeWriting },
    ...(verify && { verify: verified }),
  })
}

function pruned(file: ModelFile, prompt: PrunePromptOptions | undefined): Model {
  const shortened = prompt === undefined ? lastLogits() : prunePrompt(prompt)
  return transform(file.model, shortened).model
}

/** Where a prompt is pruned if no layer is named: two thirds of the way up, as what was measured says (docs/decoders.md). */
function usualLayer(layerCount: number): number {
  return Math.max(0, Math.min(Math.floor((2 * layerCount) / 3), layerCount - 2))
}

/**
 * How a plan prunes the prompt of a decoder; undefined if tokens are not pruned, as with the method `none`.
 * @throws TpError TP_PLAN for more than one layer, for amounts by layer, and for a method that decides by itself how many tokens are kept
 * @example
 * const prompt = promptPruningOf({ format: 1, method: 'last-query', keep: 0.5 }, lastQuery(), decoder)
 */
export function promptPruningOf(
  plan: Plan,
  method: Method,
  { layerCount }: DecoderInspection,
): PrunePromptOptions | undefined {
  if (plan.method === 'none') return undefined
  const { layers = [usualLayer(layerCount)], protect, leastTokens } = plan
  const [layer, ...others] = Array.isArray(layers) ? (layers as readonly number[]) : []
  if (layer === undefined || others.length > 0)
    throw planError('a decoder prunes a prompt at one layer: layers has one number, counted from 0')
  const amounts = Object.entries(amountRules).flatMap(([kind, { name }]): Amount[] => {
    const value = plan[name]
    if (value === undefined) return []
    if (typeof value !== 'number') throw planError(`${name} is one number for a decoder, which is pruned at one layer`)
    return [{ kind: kind as Amount['kind'], value: value }]
  })
  const [amount] = amounts
  if (amount === undefined)
    throw planError(
      `${method.name} decides by itself how many tokens are kept, and all caches of a layer are of one length`,
    )
  return {
    ...{ method, amount, layer },
    ...(Array.isArray(protect) && { protect }),
    ...(leastTokens !== undefined && { leastTokens }),
  }
}

/** Why a decoder is not pruned: its prompt by a method, and the logits that generating does not read; absent where it is. */
export interface DecoderRefusals {
  readonly prompt?: Refusal
  readonly logits?: Refusal
}

/**
 * Tries to prune a decoder, without writing it.
 * @example
 * const { prompt } = decoderRefusals(file.model, decoder, lastQuery())
 * if (prompt !== undefined) console.log(`no prompt is pruned: ${prompt.message}`)
 */
export function decoderRefusals(model: Model, decoder: DecoderInspection, method: Method): DecoderRefusals {
  const pruning = promptPruningOf({ format: 1, method: method.name, keep: 0.5 }, method, decoder)
  const prompt = pruning && whyRefused(() => transform(model, prunePrompt(pruning)))
  const logits = whyRefused(() => transform(model, lastLogits()))
  return { ...(prompt && { prompt }), ...(logits && { logits }) }
}

function planError(message: string): TpError {
  return new TpError('TP_PLAN', 'plans', message)
}
