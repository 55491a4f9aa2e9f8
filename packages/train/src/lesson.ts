import { inFloats, type SoftInput, soften } from '@tp/compiler'
import { input, type Tensor, type Values } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { Graph, lift, type Model } from '@tp/onnx'
import { type SoftCost, softCost } from './cost.ts'
import { encoderOptions } from './encoder-options.ts'
import { names } from './names.ts'
import type { SoftMethod } from './soft-method.ts'
import type { Weights } from './weights.ts'

/** A model as expressions, with or without the soft form of a method in it. */
export interface LossParts {
  readonly value: (name: string) => Tensor
  readonly nameOf: (tensor: Tensor) => string | undefined
  readonly inputs: readonly SoftInput[]
  readonly tokens: Dim
  readonly losses: Readonly<Record<string, readonly Tensor[]>>
  readonly logProbs: readonly Tensor[]
  readonly cost: SoftCost | undefined
}

type Tensors = ReadonlyMap<string, Tensor>

/** Weights as inputs of a graph, by their names. */
export function weightInputs(weights: Weights): Tensors {
  return new Map([...weights].map(([name, { dims }]) => [name, input(name, 'float32', dims)]))
}

/** @throws TpError with the code of a refusal, TP_METHOD */
export function lessonOf(model: Model, tensors: Tensors, soft: SoftMethod | undefined): LossParts {
  return soft === undefined ? plainLesson(model, tensors) : softLesson(model, tensors, soft)
}

function plainLesson(model: Model, tensors: Tensors): LossParts {
  const lifted = lift(new Graph(inFloats(model)), { overrides: tensors })
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

function softLesson(model: Model, tensors: Tensors, options: SoftMethod): LossParts {
  const { method, layers } = options
  const below = (prefix: string): (readonly [string, Tensor])[] =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor] as const)
  const params = (layer: number): Values =>
    Object.fromEntries([...below(names.learned('all', '')), ...below(names.learned(layer, ''))])
  const softened = soften(inFloats(model), { method, layers, overrides: tensors, params, ...encoderOptions(options) })
  return { ...softened, cost: softCost(softened) }
}
