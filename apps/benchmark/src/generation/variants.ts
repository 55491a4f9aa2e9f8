import { basename } from 'node:path'
import {
  type DecoderInspection,
  inspectDecoder,
  lastLogits,
  type PrunePromptOptions,
  prunePrompt,
  quantizeCaches,
  transform,
} from '@tp/compiler'
import { type Amount, TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import { methodOf } from '../registry/methods.ts'
import { SEEDS } from '../registry/settings.ts'

/** One row of a comparison of decoders. */
export interface GenerationVariant {
  readonly method: string
  readonly keep: string
  /** The models to run; several where chance chooses the tokens, one a seed. */
  readonly models: readonly [Model, ...Model[]]
  readonly decoder: DecoderInspection
  /** A file that prunes the caches after the prompt. */
  readonly press?: string
  /** The input of the decoder instead of a prompt. */
  readonly shorten?: (tokens: readonly number[]) => readonly number[]
}

export interface GenerationOptions {
  readonly model: Model
  readonly methods: readonly string[]
  readonly amounts: readonly Amount[]
  /** After whose attention prompts are pruned; default: two thirds of the way up, as docs/decoders.md says. */
  readonly layer: number | undefined
  readonly presses: readonly string[]
  /** Whether there is a row with caches of 8 bits. */
  readonly caches: boolean
}

/** @throws TpError for what is not a decoder */
function decoderIn(model: Model): DecoderInspection {
  const found = inspectDecoder(model)
  if (found.ok) return found
  throw new TpError(found.refusal.code, 'benchmark', found.refusal.message)
}

/**
 * The decoder as it is, `none` without what generating does not read, every method at every amount, next to each amount the decoder on
 * prompts that are cut to what takes as long, every press, and caches of 8 bits.
 * @throws TpError with the code of a refusal, TP_METHOD
 */
export function variantsOf({
  model,
  methods,
  amounts,
  layer,
  presses,
  caches,
}: GenerationOptions): GenerationVariant[] {
  const decoder = decoderIn(model)
  const { layerCount, logitsOf } = decoder
  const last = logitsOf === 'all tokens' ? transform(model, lastLogits()).model : model
  const plain = (method: string, own: Model, more = {}): GenerationVariant => ({
    ...{ method, keep: '', models: [own], decoder, ...more },
  })
  const variants = [plain('dense', model), plain('none', last)]
  if (caches) {
    const small = transform(last, quantizeCaches()).model
    variants.push(plain('8-bit caches', small, { decoder: decoderIn(small) }))
  }
  const usual = Math.max(0, Math.min(Math.floor((2 * layerCount) / 3), layerCount - 2))
  for (const amount of amounts) {
    // Settings are measured as they are named, on short prompts as well.
    const place = { amount, layer: layer ?? usual, leastTokens: 0 }
    const keep = amount.kind === 'ratio' ? `${amount.value}` : `tokens ${amount.value}`
    for (const name of methods) {
      const choices = name === 'random' ? SEEDS.map((seed) => ({ method: name, seed })) : [{ method: name }]
      const models = choices.map(
        (choice) => transform(model, prunePrompt({ ...place, method: methodOf(choice) })).model,
      )
      variants.push({ method: name, keep, models: models as [Model, ...Model[]], decoder })
    }
    variants.push(plain('cut prompt', last, { keep, shorten: cutTo(place, layerCount) }))
  }
  for (const press of presses) variants.push(plain(basename(press), last, { press }))
  return variants
}

/**
 * A baseline for pruning: a prompt of as many tokens as all layers together compute of a pruned one. Its first and its last half
 * are kept, as LongBench cuts texts (Bai et al., ACL 2024, arXiv:2308.14508).
 */
function cutTo(
  { layer, amount }: Pick<PrunePromptOptions, 'layer' | 'amount'>,
  layerCount: number,
): NonNullable<GenerationVariant['shorten']> {
  const below = (layer + 1) / layerCount
  return (tokens) => {
    const kept = Math.min(
      tokens.length,
      amount.kind === 'tokens' ? amount.value : Math.ceil(amount.value * tokens.length),
    )
    const count = Math.round(below * tokens.length + (1 - below) * kept)
    const first = Math.floor(count / 2)
    return [...tokens.slice(0, first), ...tokens.slice(tokens.length - (count - first))]
  }
}
