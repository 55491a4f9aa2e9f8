import type { WeighStatesReport } from '@tp/compiler'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { type DeclaredValue, Graph, type Model } from '@tp/onnx'
import { tensorOf } from '../../inputs/sample-inputs.ts'
import { requireClose, requireFiniteDense } from '../differences.ts'
import { roundingOf } from '../rounding.ts'
import type { ModelPair } from './model-pair.ts'
import { otherFeed } from './state-feeds.ts'

interface WeightsToVerify extends ModelPair {
  /** The changed model, which may have the states as an input more. */
  readonly model: Model
  readonly norm: WeighStatesReport['norm']
  /** How many states the dense decoder reads, where that is built in. */
  readonly count: number | undefined
}

/** States that are kept: each counts once, twice or three times. */
const KEPT = 9

/**
 * Runs a decoder on states that are repeated, and the one that weighs them (`weighStates`) on each of them once, with the number of its copies in their channel; merged decoders in both
 * branches.
 * @returns the largest difference, relative for numbers beyond 1
 * @throws TpError TP_VERIFY, TP_DENSE where the decoder itself does not hold, TP_INPUT for inputs that cannot be generated
 */
export async function verifyWeights(options: WeightsToVerify): Promise<number> {
  const { source, dense, changed, model, norm, count, signal } = options
  const run = signal && { signal }
  const inputs = new Graph(source).inputs
  const tolerance = roundingOf(source)
  const times = timesOf(count)
  let largest = 0
  for (const cached of inputs.some(({ type }) => type === 'bool') ? [false, true] : [true]) {
    const feeds = (declared: readonly DeclaredValue[], isRepeated: boolean): NamedTensors =>
      Object.fromEntries(declared.map((input) => [input.name, feedOf(input, cached, { norm, times, isRepeated })]))
    const expected = await dense.run(feeds(inputs, true), run)
    requireFiniteDense(expected)
    const actual = await changed.run(feeds(new Graph(model).inputs, false), run)
    // Keys and values of the states are as many as these.
    const same = Object.entries(expected).filter(([name, { dims }]) => String(actual[name]?.dims) === String(dims))
    largest = Math.max(largest, requireClose(actual, Object.fromEntries(same), tolerance))
  }
  return largest
}

/** How often each state is repeated: as many in all as the decoder has built in. */
function timesOf(count: number | undefined): readonly number[] {
  if (count === undefined) return Array.from({ length: KEPT }, (_, i) => 1 + (i % 3))
  const times: number[] = []
  for (let left = count; left > 0; left -= times.at(-1) as number) times.push(Math.min(left, 1 + (times.length % 3)))
  return times
}

interface StatesFeed extends Pick<WeightsToVerify, 'norm'> {
  readonly times: readonly number[]
  readonly isRepeated: boolean
}

function feedOf(input: DeclaredValue, cached: boolean, { norm, times, isRepeated }: StatesFeed): TensorLike {
  const { name, type, dims = [] } = input
  const isKeys = dims.length === 4 && name.includes('encoder')
  const isStates = dims.length === 3 && type.startsWith('float')
  const isMask = name.startsWith('encoder') && dims.length === 2
  if (!isKeys && !isStates && !isMask) return otherFeed(input, cached)
  const rows = times.flatMap((count, row) => Array.from({ length: isRepeated ? count : 1 }, () => row))
  if (isMask) return tensorOf(name, type, [1, rows.length], new Float64Array(rows.length).fill(1))
  const random = randomNumbers(name.length)
  const uniform = (): number => 2 * random() - 1
  if (isStates) {
    const states = times.map((count) => stateOf(norm, uniform, isRepeated ? undefined : Math.log(count)))
    return tensorOf(
      name,
      type,
      [1, rows.length, norm.scale.length],
      Float64Array.from(rows.flatMap((row) => states[row] as number[])),
    )
  }
  const [, heads = 1, , width = 1] = dims.map((dim) => (typeof dim === 'number' ? dim : 1))
  const keys = Array.from({ length: heads }, () => times.map(() => Array.from({ length: width }, uniform)))
  const all = keys.flatMap((head) => rows.flatMap((row) => head[row] as number[]))
  return tensorOf(name, type, [1, heads, rows.length, width], Float64Array.from(all))
}

/** γ·z + β with a random z that is centered, as a LayerNorm gives it, and a weight in its channel. */
function stateOf(
  { channel, scale, shift }: StatesFeed['norm'],
  uniform: () => number,
  weight: number | undefined,
): number[] {
  const z = scale.map(uniform)
  const mean = z.reduce((a, b) => a + b, 0) / z.length
  const state = z.map((value, i) => (scale[i] as number) * (value - mean) + (shift[i] as number))
  return weight === undefined ? state : state.map((value, i) => (i === channel ? weight : value))
}
