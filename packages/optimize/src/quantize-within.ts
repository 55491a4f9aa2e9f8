import type { AnswerNearness } from '@tp/compare'
import { type QuantizeOptions, type QuantizeReport, quantize, transform } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'

export interface QuantizeWithinOptions<Nearness extends AnswerNearness = AnswerNearness> {
  readonly model: Model
  /** Least similarity, 0 … 1; default: any. */
  readonly within?: number | undefined
  /** Runs a model. `thorough`: on all examples, where similarity is judged; else on a few, where nodes are compared. */
  readonly compare: (model: Model, thorough: boolean) => Promise<Nearness>
  readonly quantize?: QuantizeOptions | undefined
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined
  readonly signal?: AbortSignalLike | undefined
}

export interface QuantizeProgress {
  readonly step: 'whole' | 'nodes' | 'choice'
  readonly done: number
  readonly total: number
}

/** A model in 8 bits, and what of it is. */
export type Quantized = { readonly model: Model } & Pick<QuantizeReport, 'nodes' | 'remaining' | 'keepsWeights'>

export interface QuantizedWithin<Nearness extends AnswerNearness = AnswerNearness> extends Quantized {
  readonly nearness: Nearness
  /** Nodes that had to remain in float32, the one that moves the answers most first; empty: nothing had to. */
  readonly floats: readonly { readonly name: string; readonly divergence: number }[]
}

/**
 * Quantizes as much of a model as leaves its answers near enough to what they were. Where the whole of it is too much, each node is
 * quantized alone, and those that move the answers most remain in float32: the fewest that suffice, found by bisection. No labels are
 * used.
 * @throws TpError TP_OPTION, TP_QUANTIZE if not even a single node could be quantized, TP_ABORTED; the code of the refusal of a model that
 *   cannot be quantized
 */
export async function quantizeWithin<Nearness extends AnswerNearness>(
  options: QuantizeWithinOptions<Nearness>,
): Promise<QuantizedWithin<Nearness>> {
  const { model, within, compare, quantize: form = {}, onProgress, signal } = options
  if (within !== undefined && !(within > 0 && within <= 1)) {
    throw new TpError(
      'TP_OPTION',
      'optimize',
      `quantizeWithin: within is ${within}; it has to be above 0, and 1 at most`,
    )
  }
  const excluded = [...(form.exclude ?? [])]
  const without = (more: readonly string[]): Quantized => {
    const { model: own, reports } = transform(model, quantize({ ...form, exclude: [...excluded, ...more] }))
    const [{ nodes, remaining, keepsWeights }] = reports
    return { model: own, nodes, remaining, keepsWeights }
  }
  const judge = async (quantized: Quantized, thorough: boolean): Promise<Nearness> => {
    throwIfAborted(signal, 'optimize')
    return compare(quantized.model, thorough)
  }

  const whole = without([])
  const nearness = await judge(whole, true)
  if (within === undefined) return { ...whole, nearness, floats: [] }
  onProgress?.({ step: 'whole', done: 1, total: 1 })
  if (nearness.similarity >= within) return { ...whole, nearness, floats: [] }

  const names = whole.nodes.map(({ name }) => name)
  const ranked: { name: string; divergence: number }[] = []
  for (const [i, name] of names.entries()) {
    const { divergence } = await judge(without(names.filter((other) => other !== name)), false)
    ranked.push({ name, divergence })
    onProgress?.({ step: 'nodes', done: i + 1, total: names.length })
  }
  ranked.sort((a, b) => b.divergence - a.divergence)

  // `enough` nodes in float32 suffice, as far as is known; `few` do not.
  let [few, enough] = [0, names.length]
  let best: QuantizedWithin<Nearness> | undefined
  const total = Math.ceil(Math.log2(names.length))
  for (let done = 1; enough - few > 1; done++) {
    const middle = (few + enough) >> 1
    const floats = ranked.slice(0, middle)
    const quantized = without(floats.map(({ name }) => name))
    const seen = await judge(quantized, true)
    onProgress?.({ step: 'choice', done, total: Math.max(done, total) })
    if (!(seen.similarity >= within)) few = middle
    else {
      enough = middle
      best = { ...quantized, nearness: seen, floats }
    }
  }
  if (best !== undefined) return best
  const seen = `all of it ${nearness.similarity.toFixed(4)}`
  throw new TpError(
    'TP_QUANTIZE',
    'optimize',
    `no node can be quantized with a similarity of ${within} (${seen}); allow less, or leave the model in float32`,
  )
}
