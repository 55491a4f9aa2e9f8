import { TpError } from '@tp/core'
import { fromHalves } from '@tp/core/expression'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/** True if no output holds NaN or infinity. */
export function areFinite(outputs: NamedTensors): boolean {
  return firstWrong(outputs, () => Number.isFinite) === undefined
}

/**
 * @param dense of the same inputs: where it is minus infinity, which marks what must not be chosen, so the changed model has to be
 * @throws TpError TP_VERIFY for an output that holds NaN or infinity, or a number in place of one
 */
export function requireFinite(outputs: NamedTensors, dense: NamedTensors = {}, where = ''): void {
  const seen = firstWrong(outputs, (name, { dims }) => {
    const like = dense[name]
    const expected = like && numbersOf(like)
    if (String(like?.dims) === String(dims)) {
      return (value, at) =>
        expected?.[at] === Number.NEGATIVE_INFINITY ? value === expected[at] : Number.isFinite(value)
    }
    return (value) => Number.isFinite(value) || expected?.includes(value) === true
  })
  if (seen !== undefined) throw notVerified(where === '' ? seen : `${where}: ${seen}`)
}

/**
 * Minus infinity marks what must not be chosen (tokens of padding), so some numbers of an output may be that, though not all.
 * @throws TpError TP_DENSE where the model that was given is the one whose outputs are not finite
 */
export function requireFiniteDense(outputs: NamedTensors): void {
  const seen = firstWrong(outputs, (_, tensor) => {
    const marks = numbersOf(tensor).some(Number.isFinite)
    return (value) => Number.isFinite(value) || (marks && value === Number.NEGATIVE_INFINITY)
  })
  if (seen === undefined) return
  const advice = 'nothing can be compared with it; check its weights'
  throw new TpError('TP_DENSE', 'compare', `the dense model itself does not hold on random inputs: ${seen}; ${advice}`)
}

/** The first number that is not as it has to be, in words. */
function firstWrong(
  outputs: NamedTensors,
  rightIn: (name: string, tensor: TensorLike) => (value: number, at: number) => boolean,
): string | undefined {
  for (const [name, tensor] of Object.entries(outputs)) {
    const isRight = rightIn(name, tensor)
    const numbers = numbersOf(tensor)
    const at = numbers.findIndex((value, i) => !isRight(value, i))
    if (at >= 0) return `output "${name}" is ${numbers[at]} at element ${at}`
  }
  return undefined
}

/** @throws TpError TP_VERIFY where an output of the dense model is missing or has another shape */
export function requireSameShapes(outputs: NamedTensors, dense: NamedTensors, mayDiffer: readonly string[] = []): void {
  for (const [name, { dims }] of Object.entries(dense)) {
    const seen = outputs[name]?.dims
    if (mayDiffer.includes(name) && seen !== undefined) continue
    if (String(seen) !== String(dims)) throw notVerified(`output "${name}" is [${seen}], in the dense model [${dims}]`)
  }
}

/**
 * Largest difference of two outputs, relative for numbers beyond 1, and for those of an output whose size (root mean square) is: small ones
 * are sums of such as cancel out, and rounded as coarsely. Infinite where shapes differ.
 */
export function largestDifference(actual: TensorLike | undefined, expected: TensorLike): number {
  if (actual === undefined || String(actual.dims) !== String(expected.dims)) return Number.POSITIVE_INFINITY
  const [left, right] = [numbersOf(actual), numbersOf(expected)]
  const size = Math.max(1, sizeOf(expected))
  let largest = 0
  for (const [i, value] of right.entries()) {
    const difference = apart(left[i] as number, value) / Math.max(size, Math.abs(value))
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
  }
  return largest
}

/**
 * @returns the largest difference of all outputs, see {@link largestDifference}
 * @throws TpError TP_VERIFY where one differs by more than rounding
 */
export function requireClose(outputs: NamedTensors, expected: NamedTensors, tolerance: number): number {
  let largest = 0
  for (const [name, tensor] of Object.entries(expected)) {
    const difference = largestDifference(outputs[name], tensor)
    if (!(difference <= tolerance)) {
      throw notVerified(`output "${name}" differs from the dense model's by ${difference}, more than ${tolerance}`)
    }
    largest = Math.max(largest, difference)
  }
  return largest
}

/** Distance of two outputs as a share of the second's size, by 2-norms; infinite where shapes differ. */
export function relativeDistance(actual: TensorLike | undefined, expected: TensorLike): number {
  return distanceInSizes(actual, expected, sizeOf(expected))
}

/** The same as a share of another size, the root mean square of numbers. */
export function distanceInSizes(actual: TensorLike | undefined, expected: TensorLike, size: number): number {
  if (actual === undefined || String(actual.dims) !== String(expected.dims)) return Number.POSITIVE_INFINITY
  const [left, right] = [numbersOf(actual), numbersOf(expected)]
  let far = 0
  for (const [i, value] of right.entries()) far += apart(left[i] as number, value) ** 2
  const distance = Math.sqrt(far) / Math.max(Math.sqrt(right.length) * size, Number.EPSILON)
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
}

/** Root mean square of the finite numbers of an output. */
export function sizeOf(tensor: TensorLike): number {
  const numbers = numbersOf(tensor)
  let sum = 0
  for (const value of numbers) if (Number.isFinite(value)) sum += value ** 2
  return Math.sqrt(sum / Math.max(1, numbers.length))
}

/** Two infinities of one sign are the same. */
function apart(left: number, right: number): number {
  return left === right ? 0 : Math.abs(left - right)
}

export function numbersOf({ type, data }: TensorLike): Float32Array | Float64Array {
  if (type === 'float16') return fromHalves(data as Uint16Array)
  // As they are, where they may be: outputs have millions of numbers, and each is read several times.
  return data instanceof Float32Array || data instanceof Float64Array
    ? data
    : Float64Array.from(data as ArrayLike<number>, Number)
}

/** The error of a model that was made and does not do what it should. */
export function notVerified(problem: string): TpError {
  const cause = 'this is a defect of the toolkit and not of your model'
  const advice = 'please report it with the model or the code that exports it, the options, and what tp doctor prints'
  return new TpError('TP_VERIFY', 'compare', `the changed model does not hold: ${problem}; ${cause}, ${advice}`)
}
