import { requireClose, requireFiniteDense, roundingOf } from '@tp/compare'
import { TpError } from '@tp/core'
import { toHalf } from '@tp/core/expression'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { type DeclaredValue, Graph } from '@tp/onnx'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'

interface StatesToVerify {
  /** The decoder as it was. */
  readonly file: ModelFile
  /** The repaired one. */
  readonly path: string
  /** Inputs with an entry for each state. */
  readonly inputs: readonly string[]
  /** How many states the decoder was made for. */
  readonly count: number
  readonly signal: AbortSignal
}

/**
 * Runs a decoder and the repaired one side by side: on as many states as were built in; and the repaired one on a part of them, next to
 * the old one on each of these several times, which an attention does not tell from once. Merged decoders in both branches.
 * @returns the largest difference, relative for numbers beyond 1
 * @throws TpError TP_VERIFY, TP_DENSE where the decoder itself does not hold, TP_INPUT for inputs that cannot be generated, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyStates({ file, path, inputs, count, signal }: StatesToVerify): Promise<number> {
  const options = { bounds: boundsFor(await sizeOfFiles(file)) } as const
  await using process = boundedProcess(signal)
  await using before = await process.load(file.path, options)
  await using after = await process.load(path, options)
  const declared = new Graph(file.model).inputs
  const tolerance = roundingOf(file.model)
  let largest = 0
  for (const cached of declared.some(({ type }) => type === 'bool') ? [false, true] : [true]) {
    for (const times of [1, smallestDivisor(count)]) {
      const feeds = (repeat: number): NamedTensors =>
        Object.fromEntries(
          declared.map((input) => [
            input.name,
            inputs.includes(input.name) ? stateFeed(input, count / times, repeat) : otherFeed(input, cached),
          ]),
        )
      const expected = await before.run(feeds(times), { signal })
      requireFiniteDense(expected)
      const actual = await after.run(feeds(1), { signal })
      // Keys and values of the states are as many as these.
      const compared = times === 1 ? expected : ofNoState(expected, actual)
      largest = Math.max(largest, requireClose(actual, compared, tolerance))
    }
  }
  return largest
}

/** Outputs that have the same shape whatever the number of states. */
function ofNoState(expected: NamedTensors, actual: NamedTensors): NamedTensors {
  const entries = Object.entries(expected)
  return Object.fromEntries(entries.filter(([name, { dims }]) => String(actual[name]?.dims) === String(dims)))
}

function smallestDivisor(count: number): number {
  let divisor = 2
  while (divisor * divisor <= count && count % divisor !== 0) divisor++
  return count % divisor === 0 ? divisor : count
}

/** [1,n,D], [1,h,n,d] or a mask [1,n] for `count` states, each `repeat` times. */
export function stateFeed({ name, type, dims = [] }: DeclaredValue, count: number, repeat: number): TensorLike {
  const axis = dims.length === 4 ? 2 : 1
  const once = dims.map((dim, i) => (i === axis ? count : sizeOf(dim, 1)))
  const numbers = typeOfNumbers(type, product(once), name)
  const inner = product(once.slice(axis + 1))
  const repeated = Array.from({ length: product(once) * repeat }, (_, i) => {
    const [row, column] = [Math.floor(i / inner), i % inner]
    return numbers[Math.floor(row / repeat) * inner + column] as number
  })
  return tensor(
    type,
    once.map((dim, i) => (i === axis ? dim * repeat : dim)),
    repeated,
  )
}

/** New tokens, what was kept of earlier ones, and whether there are any. */
function otherFeed({ name, type, dims = [] }: DeclaredValue, cached: boolean): TensorLike {
  if (type === 'bool') return { type, dims: dims.map((dim) => sizeOf(dim, 1)), data: Uint8Array.of(cached ? 1 : 0) }
  const isCache = dims.length === 4
  const past = cached ? PAST : 0
  const own = dims.map((dim, i) => sizeOf(dim, i === 0 && dims.length > 1 ? 1 : isCache ? past : TOKENS))
  if (type === 'int64' || type === 'int32') {
    const isMask = /mask/.test(name)
    return tensor(
      type,
      own,
      Array.from({ length: product(own) }, (_, i) => (isMask ? 1 : /position/.test(name) ? past + i : 3 + i)),
    )
  }
  return tensor(type, own, typeOfNumbers(type, product(own), name))
}

/** Tokens of a run, and of those before it. */
const TOKENS = 1
const PAST = 3

function sizeOf(dim: number | string, otherwise: number): number {
  return typeof dim === 'number' ? dim : otherwise
}

function typeOfNumbers(type: string, count: number, name: string): number[] {
  const uniform = randomNumbers(name.length + count)
  const isInteger = type.startsWith('int')
  return Array.from({ length: count }, () => (isInteger ? 1 : 2 * uniform() - 1))
}

/** @throws TpError TP_INPUT for a type that no decoder takes */
function tensor(type: string, dims: readonly number[], numbers: readonly number[]): TensorLike {
  switch (type) {
    case 'float32':
      return { type, dims, data: Float32Array.from(numbers) }
    case 'float16':
      return { type, dims, data: Uint16Array.from(numbers, toHalf) }
    case 'int64':
      return { type, dims, data: BigInt64Array.from(numbers, BigInt) }
    case 'int32':
      return { type, dims, data: Int32Array.from(numbers) }
    default:
      throw new TpError(
        'TP_INPUT',
        'tp',
        `an input of the decoder is ${type}, which cannot be generated, so that the file cannot be verified; omit --verify`,
      )
  }
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}
