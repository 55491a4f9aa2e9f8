import type { NamedTensors } from '@tp/core'
import { names } from './training-graph.ts'
import type { Weights } from './weights.ts'

export interface AdamWOptions {
  /** Decoupled decay per step and rate, of matrices only: scales and biases do not decay. */
  readonly weightDecay: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Gradients together are at most this long (2-norm). */
  readonly clip: number
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2). */
export interface AdamW {
  /** Moves the weights, in place. Returns the 2-norm of the gradients as they came. */
  step(gradients: NamedTensors, learningRate: number): number
  /** First and second moments by weight, for checkpoints. */
  readonly moments: ReadonlyMap<string, Moments>
  /** Steps that were taken. */
  count: number
}

interface Moments {
  readonly first: Float32Array
  readonly second: Float32Array
}

export function adamW(weights: Weights, { weightDecay, beta1, beta2, epsilon, clip }: AdamWOptions): AdamW {
  const moments = new Map(
    [...weights].map(([name, { data }]) => [
      name,
      { first: new Float32Array(data.length), second: new Float32Array(data.length) },
    ]),
  )
  return {
    moments,
    count: 0,
    step(gradients, learningRate) {
      this.count += 1
      const norm = Math.sqrt([...weights.keys()].reduce((sum, name) => sum + squares(slopeOf(gradients, name)), 0))
      const shrink = norm > clip ? clip / norm : 1
      const [unbias1, unbias2] = [1 - beta1 ** this.count, 1 - beta2 ** this.count]
      for (const [name, { dims, data }] of weights) {
        const slope = slopeOf(gradients, name)
        const { first, second } = moments.get(name) as Moments
        const decay = dims.length > 1 ? learningRate * weightDecay : 0
        for (let i = 0; i < data.length; i++) {
          const g = (slope[i] as number) * shrink
          const m = beta1 * (first[i] as number) + (1 - beta1) * g
          const v = beta2 * (second[i] as number) + (1 - beta2) * g * g
          first[i] = m
          second[i] = v
          const weight = data[i] as number
          data[i] = weight - decay * weight - (learningRate * (m / unbias1)) / (Math.sqrt(v / unbias2) + epsilon)
        }
      }
      return norm
    },
  }
}

function slopeOf(gradients: NamedTensors, name: string): Float32Array {
  return gradients[names.gradient(name)]?.data as Float32Array
}

function squares(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2
  return sum
}
