import { gradients } from '@tp/autodiff'
import { soften } from '@tp/compiler'
import {
  abs,
  argMax,
  cast,
  div,
  gatherElements,
  type Method,
  max,
  maximum,
  mul,
  norm2,
  sum,
  type Tensor,
  TpError,
} from '@tp/core'
import { type AbortSignalLike, type Runtime, throwIfAborted } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import { emitModel, Graph, type Model } from '@tp/onnx'
import { boundedBatches } from './bounded-batches.ts'
import { logitsOf } from './logits.ts'

/** How the gradient at a token becomes one number: see {@link tokenSaliency}. */
export type SaliencyScore = 'gradient-input' | 'taylor'

export interface SaliencyOptions {
  /** The dense model. */
  readonly model: Model
  readonly runtime: Runtime
  readonly inputs: ModelInputs
  /** Name of the encoder, in a file that holds several. */
  readonly encoder?: string
  /** At the input of this layer, from 0. Default 0. */
  readonly layer?: number
  /** Default `gradient-input`. */
  readonly score?: SaliencyScore
  /** At most; default 16. Long examples go through in smaller batches, see {@link boundedBatches}. */
  readonly batchSize?: number
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  readonly signal?: AbortSignalLike
}

/**
 * How much each token of each example contributes to the model's own answer, by a gradient at the input of a layer: see
 * {@link tokenSaliency}. It requires a forward and a backward pass of the dense model, so a pruned model cannot select by it:
 * it explains a model, and `train` gives it to methods that learn from it.
 * @returns by example: a number for each token, in its own order, padding last
 * @throws TpError TP_OUTPUT, TP_GRADIENT, TP_SCHEDULE, TP_ABORTED, or why the model cannot be pruned
 */
export async function saliencyOf({
  model,
  runtime,
  inputs,
  encoder,
  layer = 0,
  score = 'gradient-input',
  batchSize = 16,
  onProgress,
  signal,
}: SaliencyOptions): Promise<(row: number) => Float32Array> {
  const bytes = saliencyGraph(model, encoder, layer, score)
  await using session = await runtime.load(bytes, { threads: 1 })
  const found = new Map<number, Float32Array>()
  const total = inputs.targets.length
  for (const rows of boundedBatches(inputs, batchSize)) {
    // A run blocks the event loop: let signals arrive.
    await new Promise((resolve) => setTimeout(resolve))
    throwIfAborted(signal, 'train')
    const { saliency } = await session.run(await inputs.feeds(rows))
    const data = saliency?.data as Float32Array
    const tokens = data.length / rows.length
    rows.forEach((row, i) => {
      found.set(row, data.slice(i * tokens, (i + 1) * tokens))
    })
    onProgress?.({ done: found.size, total })
  }
  return (row) => {
    const own = found.get(row)
    if (own !== undefined) return own
    throw new TpError('TP_DATA', 'train', `there is no saliency of example ${row}: there are ${found.size} examples`)
  }
}

/**
 * float [B,N]: how much each token contributes to an answer a, relative to the largest of its example; 0 for padding. By the gradient
 * g = ∂a/∂e at the token's state e_j,
 *
 *   gradient-input   ‖g_j ⊙ e_j‖₂       how strongly the answer depends on its numbers, in whichever direction each acts
 *                                       (AdapLeR, arXiv:2203.08991)
 *   taylor           |Σ_d g_jd · e_jd|   how much the answer changes, to first order, if the state becomes 0: numbers that
 *                                       act in both directions cancel out (Molchanov et al., arXiv:1611.06440; arXiv:1906.10771
 *                                       takes the square, which has the same order)
 *
 * @param answer float [] or [1]: sum over the examples of what is to be explained of each, as the logit of its class
 * @param embedded float [B,N,D]: what the answer is computed from
 * @param real float [B,N]: 1 for real tokens, 0 for padding
 */
export function tokenSaliency(
  answer: Tensor,
  embedded: Tensor,
  attended: Tensor,
  score: SaliencyScore = 'gradient-input',
): Tensor {
  const parts = attribution(answer, embedded)
  const size = score === 'taylor' ? abs(sum(parts, 2)) : norm2(parts, 2)
  const sizes = mul(cast(size, 'float32'), attended)
  // 1e-30: an example of which nothing contributes
  return div(sizes, maximum(max(sizes, 1, { keepDims: true }), 1e-30))
}

/** float [B,N,D]: gradient times value, ∂a/∂e ⊙ e. */
export function attribution(answer: Tensor, embedded: Tensor): Tensor {
  return mul(gradients(answer, [embedded])[0] as Tensor, embedded)
}

/** Inputs are the model's own; output `saliency` [B,N]. */
function saliencyGraph(model: Model, encoder: string | undefined, layer: number, score: SaliencyScore): Uint8Array {
  const looks = { method: onlyLooks, layers: [0], params: () => ({}) }
  const soft = soften(model, { ...looks, ...(encoder !== undefined && { encoder }) })
  if (!soft.ok) throw new TpError(soft.refusal.code, 'train', soft.refusal.message)
  const start = soft.starts[layer]
  if (start === undefined) {
    throw new TpError(
      'TP_SCHEDULE',
      'train',
      `there is no layer ${layer}: the model has layers 0 to ${soft.layerCount - 1}`,
    )
  }
  const logits = logitsOf(new Graph(model), (name) => soft.value(name))
  const own = gatherElements(logits, argMax(logits, 1, { keepDims: true }), 1)
  return emitModel(
    { saliency: tokenSaliency(sum(own, [0, 1]), soft.value(start), soft.attended, score) },
    { name: 'saliency' },
  )
}

/** A method that changes nothing, to find the encoder's tokens by. */
const onlyLooks: Method = {
  name: 'saliency',
  family: 'gradient',
  site: 'input',
  reduce: ({ attended }) => ({ keep: attended }),
  training: { soften: ({ kept }) => ({ kept }) },
}
