import { gradients } from '@tp/autodiff'
import { add, input, mul, type Tensor, TpError } from '@tp/core'
import { emitModel, Graph, lift, type Model } from '@tp/onnx'
import { crossEntropy, distillation } from './losses.ts'
import type { Weights } from './weights.ts'

/** What is minimised: cross-entropy, or the distance to the dense model, or a share of each. */
export interface LossOptions {
  /** Share of distillation, 0 … 1; the rest is cross-entropy. */
  readonly distillation: number
  readonly temperature: number
}

/** Names of what a training graph takes besides the model's own inputs, and gives. */
export const names = {
  labels: 'tp.labels',
  teacher: 'tp.teacher',
  loss: 'tp.loss',
  gradient: (weight: string): string => `tp.gradient.${weight}`,
}

/** A graph for training. */
export interface TrainingGraph {
  readonly bytes: Uint8Array
  /** Classes that the model tells apart; undefined where its file does not say. */
  readonly classes: number | undefined
}

/**
 * One ONNX graph for a step of training: the model with its weights as inputs, its loss, and the loss's gradients.
 * Inputs are those of the model, the weights by their names, `tp.labels` int64 [B] and, with distillation, `tp.teacher`
 * float [B,C]; outputs `tp.loss` [] and `tp.gradient.NAME` in the shape of each weight.
 * @throws TpError TP_OUTPUT for a model without one output of a row of classes; TP_GRADIENT
 */
export function trainingGraph(
  model: Model,
  weights: Weights,
  { distillation: share, temperature }: LossOptions,
): TrainingGraph {
  const graph = new Graph(model)
  const tensors = new Map([...weights].map(([name, { dims }]) => [name, input(name, 'float32', dims)]))
  const lifted = lift(graph, { overrides: tensors })
  const logits = logitsOf(graph, (name) => lifted.tensor(name))
  const [batch, classes] = logits.dims
  const parts: Tensor[] = []
  if (share < 1) {
    const labels = input(names.labels, 'int64', [batch as string])
    parts.push(scaled(crossEntropy(logits, labels), 1 - share))
  }
  if (share > 0) {
    const teacher = input(names.teacher, 'float32', [batch as string, classes as number])
    parts.push(scaled(distillation(logits, teacher, temperature), share))
  }
  const loss = parts.reduce((a, b) => add(a, b))
  const slopes = gradients(loss, [...tensors.values()], { nameOf: (tensor) => lifted.names.get(tensor) })
  const outputs = [...tensors.keys()].map((name, i) => [names.gradient(name), slopes[i] as Tensor] as const)
  const bytes = emitModel({ [names.loss]: loss, ...Object.fromEntries(outputs) }, { name: 'training' })
  return { bytes, classes: typeof classes === 'number' ? classes : undefined }
}

function scaled(loss: Tensor, share: number): Tensor {
  return share === 1 ? loss : mul(loss, share)
}

function logitsOf(graph: Graph, tensor: (name: string) => Tensor): Tensor {
  const outputs = graph.outputs.map(({ name }) => ({ name, tensor: tensor(name) }))
  const named = outputs.find(({ name }) => name === 'logits') ?? outputs[0]
  if (named?.tensor.hasShape && named.tensor.rank === 2 && named.tensor.dtype === 'float32') return named.tensor
  const seen = outputs.map(({ name, tensor }) => `${name} ${tensor}`).join(', ')
  throw new TpError('TP_OUTPUT', 'train', `the model gives ${seen}; one float32 output [B, classes] is needed to train`)
}
