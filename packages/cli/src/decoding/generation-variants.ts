import { basename } from 'node:path'
import { type DecoderInspection, fromPlan, lastLogits, prunePrompt } from '@tp/compiler'
import { keptCount } from '@tp/core/host'
import type { Model } from '@tp/onnx'
import { usageError } from '../command/usage-error.ts'
import { comparedMethods } from '../measuring/compared-methods.ts'
import { seededOptions } from '../measuring/seeds.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { AMOUNTS_MISSING, type AskedAmounts, amountsLabel } from '../pruning/amounts.ts'
import { type GivenSettings, planOf } from '../pruning/plan-options.ts'
import { withEightBitCaches } from './eight-bit-caches.ts'
import { promptPruningOf } from './prompt-pruning.ts'

/** One row of a comparison of decoders. */
export interface GenerationVariant {
  readonly method: string
  readonly keep: string
  /** What runs; several where chance chooses the tokens, one a seed. */
  readonly models: readonly [Model, ...Model[]]
  /** What is known of these, where their inputs are not those of the file. */
  readonly decoder?: DecoderInspection
  /** A file that prunes the caches after the prompt. */
  readonly press?: string
  /** What the decoder is given instead of a prompt. */
  readonly shorten?: (tokens: readonly number[]) => readonly number[]
}

interface VariantOptions {
  readonly file: ModelFile
  readonly decoder: DecoderInspection
  readonly methods: readonly string[]
  readonly amounts: readonly AskedAmounts[]
  readonly settings: GivenSettings
  readonly plugins: readonly string[]
  readonly presses: readonly string[]
  /** Whether there is a row with caches of 8 bits. */
  readonly caches: boolean
}

/**
 * The rows of a comparison: the decoder as it is, `none` without what generating does not read, every method at every amount, next to
 * each amount the dense decoder on prompts that are cut to what takes as long, every press, and caches of 8 bits.
 * @throws RefusalError; TpError TP_USAGE, TP_UNKNOWN_METHOD, TP_OPTION, TP_METHOD
 */
export async function generationVariants(options: VariantOptions): Promise<GenerationVariant[]> {
  const { file, decoder, methods: names, amounts, settings, plugins, presses, caches } = options
  const { methods: known, entries } = await comparedMethods(names, settings.params, plugins)
  if (entries.length > 0 && amounts.length === 0) throw usageError(AMOUNTS_MISSING)
  if (entries.length === 0 && amounts.length > 0) throw usageError('a budget needs methods: --methods NAME,NAME…')
  const last = withLastLogits(file, decoder)
  const variants: GenerationVariant[] = [
    { method: 'dense', keep: '', models: [file.model] },
    { method: 'none', keep: '', models: [last] },
    ...(caches ? [withEightBits(file, last)] : []),
  ]
  for (const asked of amounts) {
    const keep = amountsLabel(asked)
    let shorten: GenerationVariant['shorten']
    for (const entry of entries) {
      const models = seededOptions(entry, settings.params).map((params) => {
        const plan = planOf(entry, params, settings.inPlan, asked.amounts)
        const { method } = fromPlan(plan, known)
        const prompt = promptPruningOf({ plan, flops: asked.flops, method }, decoder)
        if (prompt === undefined) return last
        shorten = cutTo(prompt, decoder)
        const result = prunePrompt(file.model, prompt)
        if (!result.ok) throw new RefusalError(file.path, result.refusal)
        return result.model
      })
      variants.push({ method: entry.name, keep, models: models as [Model, ...Model[]] })
    }
    if (shorten !== undefined) variants.push({ method: 'cut prompt', keep, models: [last], shorten })
  }
  for (const press of presses) variants.push({ method: basename(press), keep: '', models: [last], press })
  return variants
}

function withLastLogits(file: ModelFile, { logitsOf }: DecoderInspection): Model {
  if (logitsOf !== 'all tokens') return file.model
  const result = lastLogits(file.model)
  if (!result.ok) throw new RefusalError(file.path, result.refusal)
  return result.model
}

function withEightBits(file: ModelFile, last: Model): GenerationVariant {
  const { model, decoder } = withEightBitCaches(file, last)
  return { method: '8-bit caches', keep: '', models: [model], decoder }
}

/**
 * What pruning has to beat: a prompt of as many tokens as all layers together compute of a pruned one. Its first and its last half
 * are kept, as LongBench cuts texts (Bai et al., ACL 2024, arXiv:2308.14508).
 */
function cutTo(
  { layer, amount }: NonNullable<ReturnType<typeof promptPruningOf>>,
  { layerCount }: DecoderInspection,
): NonNullable<GenerationVariant['shorten']> {
  const below = (layer + 1) / layerCount
  return (tokens) => {
    const kept = keptCount(tokens.length, amount) as number
    const count = Math.round(below * tokens.length + (1 - below) * kept)
    const first = Math.floor(count / 2)
    return [...tokens.slice(0, first), ...tokens.slice(tokens.length - (count - first))]
  }
}
