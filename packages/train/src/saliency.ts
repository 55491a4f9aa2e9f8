import { gradients } from '@tp/autodiff'
import { inFloats, soften } from '@tp/compiler'
import {
  abs,
  add,
  argMax,
  cast,
  div,
  gatherElements,
  input,
  type Method,
  max,
  maximum,
  mul,
  norm2,
  sqrt,
  sum,
  type Tensor,
  TpError,
} from '@tp/core'
import { type AbortSignalLike, type NamedTensors, pause, type Runtime, type Session } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import type { ModelInputs } from '@tp/data/inputs'
import { emitModel, Graph, type Model } from '@tp/onnx'
import { boundedBatches, fittingPass } from './bounded-batches.ts'
import { embeddingOf } from './embedding.ts'
import { logitsOf } from './logits.ts'
import type { AnswerKind } from './training-graph.ts'
import type { WorkDone } from './training-work.ts'

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
  /** Default `logits`. */
  readonly answer?: AnswerKind
  /** At most; default 16. Long examples go through in smaller batches, see {@link fittingPass}. */
  readonly batchSize?: number
  readonly onProgress?: (progress: WorkDone) => void
  readonly signal?: AbortSignalLike
}

/**
 * How much each token of each example contributes to the model's own answer, by a gradient at the input of a layer: see
 * {@link tokenSaliency}. It requires a forward and a backward pass of the dense model, so a pruned model cannot select by it:
 * it explains a model, and `train` gives it to methods that learn from it.
 *
 * The answer is the logit of the class that the model chooses, or its embedding ê, of length 1. The cosine to the dense embedding has no
 * slope at that embedding, where it is largest; how it falls says the length of the change, 1 − cos ≈ ½ ‖Δê‖². So the numbers are those
 * of the answers v · ê, root mean square over {@link DIRECTIONS} directions v of random signs, which over all directions is the length.
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
  answer = 'logits',
  batchSize = 16,
  onProgress,
  signal,
}: SaliencyOptions): Promise<(row: number) => Float32Array> {
  const bytes = saliencyGraph(model, { encoder, layer, score, answer })
  await using session = await runtime.load(bytes, { threads: 1 })
  const directions = session.inputs.filter(({ name }) => name.startsWith(DIRECTION))
  const found = new Map<number, Float32Array>()
  const total = inputs.targets.length
  for (const rows of boundedBatches(inputs, batchSize, fittingPass)) {
    await pause(signal, 'train')
    const { saliency } = await session.run({ ...(await inputs.feeds(rows)), ...signs(directions, rows) })
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
  return relative(contribution(answer, embedded, score), attended)
}

/** float [B,N] */
function contribution(answer: Tensor, embedded: Tensor, score: SaliencyScore): Tensor {
  const parts = attribution(answer, embedded)
  return cast(score === 'taylor' ? abs(sum(parts, 2)) : norm2(parts, 2), 'float32')
}

/** float [B,N]: as a share of the largest of each example; 0 for padding. */
function relative(contributions: Tensor, attended: Tensor): Tensor {
  const sizes = mul(contributions, attended)
  // 1e-30: an example of which nothing contributes
  return div(sizes, maximum(max(sizes, 1, { keepDims: true }), 1e-30))
}

/** float [B,N,D]: gradient times value, ∂a/∂e ⊙ e. */
export function attribution(answer: Tensor, embedded: Tensor): Tensor {
  return mul(gradients(answer, [embedded])[0] as Tensor, embedded)
}

/**
 * In how many directions the change of an embedding is measured: each is one more backward pass. For all-MiniLM-L6-v2 the order of
 * the tokens of 8 abstracts, by `gradient-input` before layer 4, has a rank correlation of 0.955, 0.973 and 0.977 with one, two and four
 * to how far the vector moves when a token alone is pruned at layer 3.
 */
const DIRECTIONS = 2
const DIRECTION = 'tp.direction.'

/** Directions for a batch: those of an example do not depend on the others. */
function signs(inputs: Session['inputs'], rows: readonly number[]): NamedTensors {
  const random = rows.map((row) => randomNumbers(row + 1))
  return Object.fromEntries(
    inputs.map(({ name, dims }) => {
      const width = Number(dims[1])
      const data = new Float32Array(rows.length * width)
      for (let i = 0; i < data.length; i++) data[i] = (random[Math.floor(i / width)] as () => number)() < 0.5 ? -1 : 1
      return [name, { type: 'float32', dims: [rows.length, width], data }]
    }),
  )
}

interface SaliencyGraphOptions {
  readonly encoder: string | undefined
  readonly layer: number
  readonly score: SaliencyScore
  readonly answer: AnswerKind
}

/** Inputs are the model's own, and the directions of an embedding; output `saliency` [B,N]. */
function saliencyGraph(model: Model, { encoder, layer, score, answer }: SaliencyGraphOptions): Uint8Array {
  const looks = { method: onlyLooks, layers: [0], params: () => ({}) }
  const soft = soften(inFloats(model), { ...looks, ...(encoder !== undefined && { encoder }) })
  const start = soft.starts[layer]
  if (start === undefined) {
    throw new TpError(
      'TP_SCHEDULE',
      'train',
      `there is no layer ${layer}: the model has layers 0 to ${soft.layerCount - 1}`,
    )
  }
  const own = (answer === 'embedding' ? alongDirections : chosenLogit)(new Graph(model), (name) => soft.value(name))
  const parts = own.map((part) => contribution(sum(part, [0, 1]), soft.value(start), score))
  const saliency = relative(parts.length === 1 ? (parts[0] as Tensor) : rootMeanSquare(parts), soft.attended)
  return emitModel({ saliency }, { name: 'saliency' })
}

/** float [B,1] */
function chosenLogit(graph: Graph, value: (name: string) => Tensor): [Tensor] {
  const logits = logitsOf(graph, value)
  return [gatherElements(logits, argMax(logits, 1, { keepDims: true }), 1)]
}

/** The embedding times each direction: float [B,D] */
function alongDirections(graph: Graph, value: (name: string) => Tensor): Tensor[] {
  const embedding = embeddingOf(graph, value)
  const dims = embedding.dims as (string | number)[]
  return Array.from({ length: DIRECTIONS }, (_, k) => mul(embedding, input(`${DIRECTION}${k}`, 'float32', dims)))
}

function rootMeanSquare(parts: readonly Tensor[]): Tensor {
  return sqrt(
    div(
      parts.map((part) => mul(part, part)).reduce((a, b) => add(a, b)),
      parts.length,
    ),
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
