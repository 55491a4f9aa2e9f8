import { gradients } from '@tp/autodiff'
import type { SoftInput } from '@tp/compiler'
import { input, mean, mul, type Stage, sub, type Tensor, TpError } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { emitModel, Graph, type Model } from '@tp/onnx'
import { fixedPrice, priceOf, type SoftCost, shareOf, total } from './cost.ts'
import { embeddingOf } from './embedding.ts'
import { lessonOf, weightInputs } from './lesson.ts'
import { logitsOf } from './logits.ts'
import { asTwoClasses, crossEntropy, distillation, embeddingDistance, policyLoss, squaredError } from './losses.ts'
import { names } from './names.ts'
import type { SoftMethod } from './soft-method.ts'
import type { Weights } from './weights.ts'

/** The answer of a model to an example: logits of classes, or a vector. */
export type AnswerKind = 'logits' | 'embedding'

/** The loss: cross-entropy, distillation from the dense model, or a mixture. */
export interface LossOptions {
  readonly answer: AnswerKind
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

/** The soft form of a method in a graph. */
export interface SoftStep extends SoftMethod {
  readonly stage: Stage
  /**
   * The examples are a part of a batch. The part that depends on the share of the FLOPs of all of them is then an input
   * `tp.price` float []: the cost of a multiply-add (`Aim.price`), for which `costGraph` counts beforehand.
   */
  readonly isPart?: boolean
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

/**
 * One ONNX graph for a step of training: the model with its weights as inputs, its loss, and the loss's gradients.
 * Inputs are those of the model, the weights by their names, `tp.labels` int64 [B] and, with distillation, `tp.teacher`
 * float [B,C] (logits or vectors; of vectors also `tp.teachers` float [K,C], those of the whole batch), and what the soft form of a method
 * takes; outputs `tp.loss` [], `tp.gradient.NAME` in the shape of each weight of `learning`, and with a soft form, float [B] each:
 * `tp.kept` and `tp.tokens`, kept tokens and all, summed over the layers, `tp.flops` and `tp.flops.dense`, multiply-adds of the layers.
 * @param weights all weights that are inputs, including those of a method
 * @param learning names of those to compute gradients of
 * @throws TpError TP_OUTPUT for a model without a single output of class logits, or of vectors; TP_OPTION, TP_GRADIENT
 */
export function trainingGraph(
  model: Model,
  weights: Weights,
  options: LossOptions,
  soft?: SoftStep,
  learning: readonly string[] = [...weights.keys()],
): TrainingGraph {
  const tensors = weightInputs(weights)
  const lesson = lessonOf(model, tensors, soft)
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
  const aimed = soft?.targetFlops === undefined ? undefined : cost && aimedCost(cost, soft, options.costWeight)
  if (aimed !== undefined) add('cost', () => aimed.loss)
  if (cost !== undefined && logProbs.length > 0) {
    const copies = soft?.method.training?.copies ?? 1
    const price = aimed?.price ?? fixedPrice(cost, options.regulariser)
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
  if (cost !== undefined) {
    const { own, dense, kept, tokens } = cost
    Object.assign(outputs, {
      [names.kept]: kept,
      [names.tokens]: tokens,
      [names.flops]: own,
      [names.denseFlops]: dense,
    })
  }
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

/** Counts `tp.flops` and `tp.flops.dense` alone, float [B] each, for batches of which each part has to know the share of all. */
export function costGraph(model: Model, weights: Weights, soft: SoftMethod): Uint8Array {
  const { cost } = lessonOf(model, weightInputs(weights), soft)
  const { own, dense } = cost as SoftCost
  return emitModel({ [names.flops]: own, [names.denseFlops]: dense }, { name: 'cost' })
}

/** The squared distance from a share of the FLOPs: float [], and what each example's FLOPs cost a policy, float [B]. */
function aimedCost(
  cost: SoftCost,
  { targetFlops = 1, isPart }: SoftStep,
  weight: number,
): { loss: Tensor; price: Tensor } {
  if (isPart) {
    const price = mul(cost.own, input(names.price, 'float32', []))
    return { loss: mean(price, [0]), price }
  }
  const over = sub(shareOf(cost), targetFlops)
  return { loss: scaled(mul(over, over), weight), price: priceOf(cost, mul(over, 2 * weight)) }
}

/** float [B] */
function vectorLoss(vectors: Tensor, { distillation: share }: LossOptions): Tensor {
  if (share < 1) {
    const reason = `distillation is ${share}, but vectors have no labels to learn the rest from; it has to be 1`
    throw new TpError('TP_OPTION', 'train', reason)
  }
  const others = input(names.teachers, 'float32', ['K', vectors.dims[1] as string | number])
  return embeddingDistance(vectors, teacherOf(vectors), others)
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
