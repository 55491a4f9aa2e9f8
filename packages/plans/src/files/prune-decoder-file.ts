import { promptsText, verifyDecoder, verifyPromptRuns } from '@tp/compare'
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
import { commitModel, stageModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { withinBounds } from './bounded-pair.ts'

export interface PruneDecoderFileOptions {
  /** The findings of `inspectDecoder`. */
  readonly decoder: DecoderInspection
  /** How the prompt is pruned; absent: only logits that nobody reads are left out. */
  readonly prompt?: PrunePromptOptions | undefined
  /** Whether the file is compared with its source, in a process of its own. */
  readonly verify?: boolean
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
  /** The largest difference of logits and caches, and the prompts that were compared. */
  readonly verification?: { readonly difference: number; readonly prompts: string }
}

/**
 * Writes a decoder that computes only the logits of the last token, and, where requested, only some tokens of a prompt in its later
 * layers; whole or not at all.
 * @throws Refused; TpError TP_VERIFY, TP_WRITE, TP_ABORTED, TP_METHOD, TP_OPTION, TP_SCHEDULE
 * @example
 * const decoder = inspectDecoder(file.model)
 * if (decoder.ok) await pruneDecoderFile(file, 'pruned.onnx', { decoder, verify: true, signal: AbortSignal.timeout(60_000) })
 */
export async function pruneDecoderFile(
  file: ModelFile,
  out: string,
  options: PruneDecoderFileOptions,
): Promise<WrittenDecoder> {
  const { decoder, prompt, verify = false, signal, beforeWriting, onVerifying, compute = (work) => work() } = options
  const model = await compute(() => pruned(file, prompt))
  await beforeWriting?.()
  const differenceOf = (at: string, prunesPrompts: boolean): Promise<number> =>
    withinBounds(file, at, signal, (pair) => verifyDecoder({ ...pair, decoder, prunesPrompts }))
  /** With every token kept; a prompt that loses some has to run, too. */
  const verified = async (at: string): Promise<NonNullable<WrittenDecoder['verification']>> => {
    onVerifying?.()
    const prompts = promptsText(decoder)
    if (prompt === undefined) return { difference: await differenceOf(at, false), prompts }
    const requireRuns = (of: string): Promise<void> =>
      withinBounds(file, of, signal, (pair) => verifyPromptRuns({ ...pair, decoder }))
    await requireRuns(at)
    // The prompts are short: without the least number of tokens some are pruned.
    await using short = await stageModel(
      await compute(() => pruned(file, { ...prompt, leastTokens: 0 })),
      file,
      out,
      signal,
    )
    await requireRuns(short.path)
    const whole = await compute(() => pruned(file, { ...prompt, amount: { kind: 'ratio', value: 1 } }))
    await using forced = await stageModel(whole, file, out, signal)
    return { difference: await differenceOf(forced.path, true), prompts }
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
