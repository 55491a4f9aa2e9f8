import { gradients } from '@tp/autodiff'
import { type SoftenOptions, type SoftInput, soften } from '@tp/compiler'
import { input, type Method, mean, mul, type Stage, sub, type Tensor, TpError, type Values } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { emitModel, Graph, lift, type Model } from '@tp/onnx'
import { fixedPrice, priceOf, type SoftCost, softCost, total } from './cost.ts'
import { embeddingOf } from './embedding.ts'
import { encoderOptions } from './encoder-options.ts'
import { logitsOf } from './logits.ts'
import { asTwoClasses, crossEntropy, distillation, embeddingDistance, policyLoss, squaredError } from './losses.ts'
import type { Weights } from './weights.ts'

/** What a model answers an example with: logits of classes, or a vector. */
export type Answer = 'logits' | 'embedding'

/** The loss: cross-entropy, distillation from the dense model, or a mixture. */
export interface LossOptions {
  readonly answer: Answer
  /** Share of distillation, 0 … 1; the rest is cross-entropy. Vectors have no labels: 1. */
  readonly distillation: number
  readonly temperature: number
  /**
   * Weight of the pressure to prune without a target share of the FLOPs: of the terms that a method adds to the loss, or, for a
   * policy, of each example's share of the FLOPs in its reward.
   */
  readonly regulariser: number
  /** Weight of the squared distance between the share of the FLOPs and its target. */
  readonly costWeight: number
}

/** A method that learns where to prune. */
export interface SoftMethod {
  readonly method: Method
  /** Layers at which tokens are to be pruned. */
  readonly layers: readonly number[]
  /** Target share of the dense layers' FLOPs, 0 … 1; absent: whatever the method's own losses lead to. */
  readonly targetFlops?: number
  /** Name of the encoder, in a file that holds several. */
  readonly encoder?: string
  /** Protected positions; default: those that the head reads. */
  readonly protect?: NonNullable<SoftenOptions['protect']>
  /** A segment that is protected as a whole, as in `PruneOptions`. */
  readonly protectSegment?: number
  readonly separator?: number
}

/** Names of the inputs and outputs of a training graph besides the model's own inputs. */
export const names = {
  labels: 'tp.labels',
  teacher: 'tp.teacher',
  loss: 'tp.loss',
  kept: 'tp.kept',
  flops: 'tp.flops',
  gradient: (weight: string): string => `tp.gradient.${weight}`,
  /** A method's value at a layer, or for all layers, among the weights. */
  learned: (layer: number | 'all', name: string): string => `tp.method.${layer}.${name}`,
}

/** A graph for training. */
export interface TrainingGraph {
  readonly bytes: Uint8Array
  /** Number of classes, 2 for one logit; undefined if the file does not say. */
  readonly classes: number | undefined
  /** Inputs of the soft form of a method. */
  readonly inputs: readonly SoftInput[]
  /** Tokens of the encoder, in the sizes of the model's inputs. */
  readonly tokens: Dim
}

/** A model as expressions, with or without the soft form of a method in it. */
interface LossParts {
  readonly value: (name: string) => Tensor
  readonly nameOf: (tensor: Tensor) => string | undefined
  readonly inputs: readonly SoftInput[]
  readonly tokens: Dim
  readonly losses: Readonly<Record<string, readonly Tensor[]>>
  readonly logProbs: readonly Tensor[]
  readonly cost: SoftCost | undefined
}

/**
 * One ONNX graph for a step of training: the model with its weights as inputs, its loss, and the loss's gradients.
 * Inputs are those of the model, the weights by their names, `tp.labels` int64 [B] and, with distillation, `tp.teacher`
 * float [B,C] (logits or vectors), and what the soft form of a method takes; outputs `tp.loss` [], `tp.gradient.NAME` in the shape of each
 * weight of `learning`, and with a soft form `tp.kept` [] and `tp.flops` [].
 * @param weights all weights that are inputs, including those of a method
 * @param learning names of those to compute gradients of
 * @throws TpError TP_OUTPUT for a model without a single output of class logits, or of vectors; TP_OPTION, TP_GRADIENT
 */
export function trainingGraph(
  model: Model,
  weights: Weights,
  options: LossOptions,
  soft?: SoftMethod & { readonly stage: Stage },
  learning: readonly string[] = [...weights.keys()],
): TrainingGraph {
  const tensors = new Map([...weights].map(([name, { dims }]) => [name, input(name, 'float32', dims)]))
  const lesson = soft === undefined ? plainLesson(model, tensors) : softLesson(model, tensors, soft)
  const isEmbedding = options.answer === 'embedding'
  const answer = (isEmbedding ? embeddingOf : logitsOf)(new Graph(model), lesson.value)
  const classes = answer.dims[1]
  const task = isEmbedding ? vectorLoss(answer, options) : taskLoss(answer, options) // [B]
  const weight = (term: string): number => {
    if (term === 'regulariser') return soft?.targetFlops === undefined ? options.regulariser : 0
    return soft?.stage.terms?.[term] ?? 1
  }
  const terms: Tensor[] = []
  const add = (term: string, loss: () => Tensor): void => {
    if (weight(term) !== 0) terms.push(scaled(loss(), weight(term)))
  }
  add('task', () => mean(task, [0]))
  for (const [name, losses] of Object.entries(lesson.losses)) {
    add(name, () => total(losses.map((loss) => (loss.rank === 0 ? loss : mean(loss, [0])))))
  }
  const { cost, logProbs } = lesson
  const over = soft?.targetFlops === undefined || cost === undefined ? undefined : sub(cost.share, soft.targetFlops)
  if (over !== undefined) add('cost', () => scaled(mul(over, over), options.costWeight))
  if (cost !== undefined && logProbs.length > 0) {
    const copies = soft?.method.training?.copies ?? 1
    const price =
      over === undefined ? fixedPrice(cost, options.regulariser) : priceOf(cost, mul(over, 2 * options.costWeight))
    add('policy', () => policyLoss(sub(mul(task, -1), price), total(logProbs), copies))
  }
  if (terms.length === 0) throw new TpError('TP_OPTION', 'train', 'all terms of the loss have the weight 0')
  const loss = total(terms)
  const slopes = gradients(
    loss,
    learning.map((name) => tensors.get(name) as Tensor),
    { nameOf: lesson.nameOf },
  )
  const outputs: Record<string, Tensor> = { [names.loss]: loss }
  if (cost !== undefined) Object.assign(outputs, { [names.kept]: cost.kept, [names.flops]: cost.share })
  learning.forEach((name, i) => {
    outputs[names.gradient(name)] = slopes[i] as Tensor
  })
  return {
    bytes: emitModel(outputs, { name: 'training' }),
    classes: typeof classes === 'number' ? Math.max(2, classes) : undefined,
    inputs: lesson.inputs,
    tokens: lesson.tokens,
  }
}

function plainLesson(model: Model, tensors: ReadonlyMap<string, Tensor>): LossParts {
  const lifted = lift(new Graph(model), { overrides: tensors })
  return {
    value: (name) => lifted.tensor(name),
    nameOf: (tensor) => lifted.names.get(tensor),
    inputs: [],
    tokens: 0,
    losses: {},
    logProbs: [],
    cost: undefined,
  }
}

function softLesson(model: Model, tensors: ReadonlyMap<string, Tensor>, options: SoftMethod): LossParts {
  const { method, layers } = options
  const below = (prefix: string): (readonly [string, Tensor])[] =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor] as const)
  const params = (layer: number): Values =>
    Object.fromEntries([...below(names.learned('all', '')), ...below(names.learned(layer, ''))])
  const softened = soften(model, { method, layers, overrides: tensors, params, ...encoderOptions(options) })
  if (!softened.ok) throw new TpError(softened.refusal.code, 'train', softened.refusal.message)
  return { ...softened, cost: softCost(softened) }
}

/** float [B] */
function vectorLoss(vectors: Tensor, { distillation: share }: LossOptions): Tensor {
  if (share < 1) {
    const reason = `distillation is ${share}, but vectors have no labels to learn the rest from; it has to be 1`
    throw new TpError('TP_OPTION', 'train', reason)
  }
  return embeddingDistance(vectors, teacherOf(vectors))
}

/** The dense model's answers, as an input. */
function teacherOf(answer: Tensor): Tensor {
  return input(names.teacher, 'float32', answer.dims as (string | number)[])
}

/** float [B] */
function taskLoss(logits: Tensor, { distillation: share, temperature }: LossOptions): Tensor {
  const [batch, classes] = logits.dims
  const isScore = classes === 1
  const parts: Tensor[] = []
  if (share < 1) {
    const labels = input(names.labels, 'int64', [batch as string])
    parts.push(scaled(crossEntropy(isScore ? asTwoClasses(logits) : logits, labels), 1 - share))
  }
  if (share > 0) {
    const teacher = teacherOf(logits)
    parts.push(scaled(isScore ? squaredError(logits, teacher) : distillation(logits, teacher, temperature), share))
  }
  return total(parts)
}

function scaled(loss: Tensor, share: number): Tensor {
  return share === 1 ? loss : mul(loss, share)
}
