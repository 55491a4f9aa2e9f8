import { evaluate, input, type Tensor } from '@tp/core'
import { type ConstantData, constantData } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { emitModel, Graph, type Lifted, lift, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect } from 'vitest'
import { gradients } from '../src/index.ts'
import { shuffled } from './central-differences.ts'

type Numbers = Readonly<Record<string, TensorLike>>

/** An encoder's loss, with its weights as inputs of the expression. */
export interface LearningCase {
  readonly loss: Tensor
  /** By name: initializers that are floats of more than one element. */
  readonly weights: ReadonlyMap<string, { readonly tensor: Tensor; readonly value: ConstantData }>
  readonly gradients: readonly Tensor[]
}

/** @throws TpError TP_GRADIENT */
export function learning(model: Model, lossOf: (lifted: Lifted, graph: Graph) => Tensor): LearningCase {
  const graph = new Graph(model)
  const constants = lift(graph)
  const weights = new Map<string, { tensor: Tensor; value: ConstantData }>()
  for (const { name } of graph.initializers) {
    const value = constantData(constants.tensor(name))
    if (value === undefined || !value.dtype.startsWith('float') || value.data.length === 1) continue
    weights.set(name, { tensor: input(name, value.dtype, value.dims), value })
  }
  if (weights.size === 0) throw new RangeError('no weights that are floats')
  const lifted = lift(graph, { overrides: new Map([...weights].map(([name, { tensor }]) => [name, tensor])) })
  const loss = lossOf(lifted, graph)
  const tensors = [...weights.values()].map(({ tensor }) => tensor)
  return { loss, weights, gradients: gradients(loss, tensors, { nameOf: (tensor) => lifted.names.get(tensor) }) }
}

/** One number of one weight. */
interface Place {
  /** Of the weight among all. */
  readonly which: number
  readonly name: string
  readonly at: number
  readonly slope: number
}

/**
 * Gradients by the interpreter in double precision and by onnxruntime from the emitted graph, at `count` places spread over
 * all weights, against central differences of the loss in double precision.
 */
export async function checkEncoder(learning: LearningCase, data: Numbers, count: number): Promise<void> {
  const exact = evaluate(learning.gradients, feeds(learning, data, 'float64'), { precision: 'float64' })
  const slopes = exact.map(({ data }) => data as Float64Array)
  const computed = await byRuntime(learning, data)
  for (const { which, name, at, slope } of differences(learning, data, places(learning, slopes, count))) {
    const own = [slopes[which]?.[at], computed?.[which]?.[at]] as const
    expect(Math.abs((own[0] as number) - slope), `${name}[${at}], slope ${slope}`).toBeLessThanOrEqual(
      1e-6 + 1e-5 * Math.abs(slope),
    )
    if (own[1] === undefined) continue
    expect(Math.abs(own[1] - slope), `${name}[${at}] in onnxruntime, slope ${slope}`).toBeLessThanOrEqual(
      1e-5 + 1e-3 * Math.abs(slope),
    )
  }
  // and all the others against each other, by the largest of each weight
  for (const [i, own] of (computed ?? []).entries()) {
    const slope = slopes[i] as Float64Array
    const scale = slope.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const worst = own.reduce((most, value, j) => Math.max(most, Math.abs(value - (slope[j] as number))), 0)
    expect(worst, [...learning.weights.keys()][i]).toBeLessThan(1e-5 + 1e-3 * scale)
  }
}

function feeds({ weights }: LearningCase, data: Numbers, type: 'float32' | 'float64'): Record<string, TensorLike> {
  const array = type === 'float32' ? Float32Array : Float64Array
  const own = [...weights].map(([name, { value }]) => [name, { type, dims: value.dims, data: array.from(value.data) }])
  return { ...data, ...Object.fromEntries(own) }
}

/** Every weight in turn, in an order by chance; four of five places where its gradient is not 0, the others anywhere. */
function places({ weights }: LearningCase, slopes: readonly Float64Array[], count: number): Omit<Place, 'slope'>[] {
  const names = [...weights.keys()]
  const order = shuffled(names.length, 3)
  return Array.from({ length: count }, (_, i) => {
    const which = order[i % order.length] as number
    const all = [...(slopes[which] as Float64Array).keys()]
    const steep = i % 5 === 4 ? [] : all.filter((at) => slopes[which]?.[at] !== 0)
    const from = steep.length === 0 ? all : steep
    return { which, name: names[which] as string, at: from[shuffled(from.length, i + 1)[0] as number] as number }
  })
}

function* differences(
  learning: LearningCase,
  data: Numbers,
  places: readonly Omit<Place, 'slope'>[],
): Generator<Place> {
  const all = feeds(learning, data, 'float64')
  for (const place of places) {
    const weight = all[place.name] as TensorLike
    const own = weight.data as Float64Array
    const step = 1e-5
    const lossAt = (by: number): number => {
      const moved = { ...weight, data: own.with(place.at, (own[place.at] as number) + by) }
      const [loss] = evaluate([learning.loss], { ...all, [place.name]: moved }, { precision: 'float64' })
      return Number(loss?.data[0])
    }
    yield { ...place, slope: (lossAt(step) - lossAt(-step)) / (2 * step) }
  }
}

/** Gradients as onnxruntime computes them; undefined for weights in half precision, where they would say little. */
async function byRuntime(learning: LearningCase, data: Numbers): Promise<Float32Array[] | undefined> {
  if ([...learning.weights.values()].some(({ value }) => value.dtype !== 'float32')) return undefined
  const named = learning.gradients.map((gradient, i) => [`gradient.${i}`, gradient] as const)
  const file = emitModel({ loss: learning.loss, ...Object.fromEntries(named) })
  await using session = await nodeRuntime().load(file, { threads: 1 })
  const all = feeds(learning, data, 'float32')
  const inputs = Object.fromEntries(session.inputs.map(({ name }) => [name, all[name] as TensorLike]))
  const outputs = await session.run(inputs)
  return named.map(([name]) => outputs[name]?.data as Float32Array)
}
