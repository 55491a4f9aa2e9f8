import type { NamedTensors } from '@tp/core/runtime'
import { names } from './names.ts'
import type { Weight, Weights } from './weights.ts'

export interface AdamWOptions {
  /** Decoupled decay per step and rate, of the model's matrices only: scales, biases and a method's values do not decay. */
  readonly weightDecay: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Gradients are clipped to this 2-norm, all together. */
  readonly clip: number
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2). */
export interface AdamW {
  /** Updates the named weights in place. Returns the 2-norm of the gradients before clipping. */
  step(gradients: NamedTensors, learning: readonly string[], learningRate: number): number
  /** By weight, for checkpoints. */
  readonly moments: ReadonlyMap<string, Moments>
}

/** First and second moments, and the number of steps averaged: some weights may start to learn later. */
interface Moments {
  readonly first: Float32Array
  readonly second: Float32Array
  steps: number
}

export function adamW(weights: Weights, options: AdamWOptions): AdamW {
  const { weightDecay, beta1, beta2, epsilon, clip } = options
  const moments = new Map(
    [...weights].map(([name, { data }]) => [
      name,
      { first: new Float32Array(data.length), second: new Float32Array(data.length), steps: 0 },
    ]),
  )
  return {
    moments,
    step(gradients, learning, learningRate) {
      const norm = Math.sqrt(learning.reduce((sum, name) => sum + squares(slopeOf(gradients, name)), 0))
      const shrink = norm > clip ? clip / norm : 1
      for (const name of learning) {
        const { dims, data, rate, range } = weights.get(name) as Weight
        const own = learningRate * (rate ?? 1)
        const slope = slopeOf(gradients, name)
        const state = moments.get(name) as Moments
        const { first, second } = state
        state.steps += 1
        const [unbias1, unbias2] = [1 - beta1 ** state.steps, 1 - beta2 ** state.steps]
        // A method's values have a rate of their own.
        const decay = dims.length > 1 && rate === undefined ? own * weightDecay : 0
        for (let i = 0; i < data.length; i++) {
          const g = (slope[i] as number) * shrink
          const m = beta1 * (first[i] as number) + (1 - beta1) * g
          const v = beta2 * (second[i] as number) + (1 - beta2) * g * g
          first[i] = m
          second[i] = v
          const weight = data[i] as number
          data[i] = weight - decay * weight - (own * (m / unbias1)) / (Math.sqrt(v / unbias2) + epsilon)
        }
        if (range !== undefined) clamp(data, range)
      }
      return norm
    },
  }
}

function clamp(data: Float32Array, [low, high]: readonly [number, number]): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.min(high, Math.max(low, data[i] as number))
}

function slopeOf(gradients: NamedTensors, name: string): Float32Array {
  return gradients[names.gradient(name)]?.data as Float32Array
}

function squares(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2
  return sum
}
