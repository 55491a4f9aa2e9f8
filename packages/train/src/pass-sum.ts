import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { names } from './names.ts'

/** The total of the parts of a batch. */
export interface PassSum {
  /** @param share of the batch's examples; all the gradients' arrays become the sum's */
  add(outputs: NamedTensors, share: number): void
  /** Mean of the losses. */
  readonly loss: number
  /** Means of the gradients, by the names of the graph's outputs. */
  readonly gradients: NamedTensors
}

/** Sums of loss and gradients, each part by its share of the examples. */
export function passSum(learning: readonly string[]): PassSum {
  const gradients: Record<string, TensorLike> = {}
  let loss = 0
  return {
    gradients,
    get loss() {
      return loss
    },
    add(outputs, share) {
      loss += share * Number(outputs[names.loss]?.data[0])
      for (const weight of learning) {
        const name = names.gradient(weight)
        const own = outputs[name] as TensorLike
        const [from, to] = [own.data as Float32Array, gradients[name]?.data as Float32Array | undefined]
        if (to === undefined) {
          gradients[name] = own
          if (share !== 1) for (let i = 0; i < from.length; i++) from[i] = (from[i] as number) * share
        } else {
          for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + (from[i] as number) * share
        }
      }
    },
  }
}
