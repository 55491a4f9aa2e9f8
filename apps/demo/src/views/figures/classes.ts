import type { TensorLike } from '@tp/core/runtime'

export interface Class {
  readonly name: string
  /** Probability, by softmax. */
  readonly share: number
}

const MOST_CLASSES = 2000

/** The classes of an output of one row of logits, likeliest first; undefined if it is another kind of output. */
export function classesOf(
  { dims, data, type }: TensorLike,
  labels: readonly string[] | undefined,
): Class[] | undefined {
  const count = dims[1] ?? 0
  if (type !== 'float32' || dims.length !== 2 || dims[0] !== 1 || count < 2 || count > MOST_CLASSES) return undefined
  if (labels !== undefined && labels.length !== count) return undefined
  const logits = Array.from(data as Float32Array)
  const largest = Math.max(...logits)
  const weights = logits.map((logit) => Math.exp(logit - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights
    .map((weight, i) => ({ name: labels?.[i] ?? `class ${i}`, share: weight / total }))
    .sort((a, b) => b.share - a.share)
}

/** Cosine of two outputs, in words. */
export function likeness(a: TensorLike, b: TensorLike): string {
  let [product, squareA, squareB] = [0, 0, 0]
  for (const [i, value] of Array.from(a.data as Float32Array, Number).entries()) {
    const other = Number(b.data[i])
    product += value * other
    squareA += value * value
    squareB += other * other
  }
  return `${((100 * product) / Math.sqrt(squareA * squareB)).toFixed(2)} %`
}
