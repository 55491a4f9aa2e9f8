import { TpError } from '@tp/core'
import { isTypedArray, type NamedTensors, type TensorLike, type TypedArray, type ValueInfo } from '@tp/core/runtime'
import type { ModelInputsKnown } from './model-inputs-known.ts'

/**
 * Inputs without meaning for models whose real ones the page cannot make, so that they can still be timed: token ids and
 * numbers from a fixed sequence, masks of ones.
 * @param tokens for axes whose size is free, other than the batch
 */
export function madeUpFeeds({ inputs, facts }: ModelInputsKnown, tokens: number): NamedTensors {
  return Object.fromEntries(inputs.map((input) => [input.name, madeUp(input, tokens, facts.vocabularySize)]))
}

const SMALL_VOCABULARY = 100

function madeUp(input: ValueInfo, tokens: number, vocabulary = SMALL_VOCABULARY): TensorLike {
  const dims = input.dims.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : tokens))
  const data = emptyArray(
    input,
    dims.reduce((product, size) => product * size, 1),
  )
  const isWhole = !(data instanceof Float32Array)
  const largest = /type|segment/.test(input.name) ? 1 : vocabulary
  for (let i = 0; i < data.length; i++) {
    const number = /mask/.test(input.name) ? 1 : isWhole ? (i * 37) % largest : Math.sin(i * 12.9898)
    data[i] = data instanceof BigInt64Array ? BigInt(number) : number
  }
  return { type: input.type, dims, data }
}

function emptyArray(input: ValueInfo, length: number): TypedArray {
  const made = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array }[input.type]
  const data = made && new made(length)
  if (data !== undefined && isTypedArray(data)) return data
  throw new TpError('TP_INPUT', 'demo', `input "${input.name}" is ${input.type}, which the page cannot fill`)
}
