import { sizeOf, type TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import type { DeclaredValue } from '@tp/onnx'
import { tensorOf } from '../../inputs/sample-inputs.ts'

/** [1,n,D], [1,h,n,d] or a mask [1,n] for `count` states, each `repeat` times. */
export function stateFeed({ name, type, dims = [] }: DeclaredValue, count: number, repeat: number): TensorLike {
  const axis = dims.length === 4 ? 2 : 1
  const once = dims.map((dim, i) => (i === axis ? count : sizeOfAxis(dim, 1)))
  const numbers = numbersOf(type, sizeOf(once), name)
  const inner = sizeOf(once.slice(axis + 1))
  const repeated = Float64Array.from({ length: sizeOf(once) * repeat }, (_, i) => {
    const [row, column] = [Math.floor(i / inner), i % inner]
    return numbers[Math.floor(row / repeat) * inner + column] as number
  })
  const all = once.map((dim, i) => (i === axis ? dim * repeat : dim))
  return tensorOf(name, type, all, repeated)
}

/** New tokens, what was kept of earlier ones, and whether there are any. */
export function otherFeed({ name, type, dims = [] }: DeclaredValue, cached: boolean): TensorLike {
  if (type === 'bool') return { type, dims: dims.map((dim) => sizeOfAxis(dim, 1)), data: Uint8Array.of(cached ? 1 : 0) }
  const isCache = dims.length === 4
  const past = cached ? PAST : 0
  const own = dims.map((dim, i) => sizeOfAxis(dim, i === 0 && dims.length > 1 ? 1 : isCache ? past : TOKENS))
  if (type !== 'int64' && type !== 'int32') return tensorOf(name, type, own, numbersOf(type, sizeOf(own), name))
  const first = /position/.test(name) ? past : 3
  const numbers = Float64Array.from({ length: sizeOf(own) }, (_, i) => (/mask/.test(name) ? 1 : first + i))
  return tensorOf(name, type, own, numbers)
}

/** Tokens of a run, and of those before it. */
const TOKENS = 1
const PAST = 3

function sizeOfAxis(dim: number | string, otherwise: number): number {
  return typeof dim === 'number' ? dim : otherwise
}

/** Ones of integers, and else uniform numbers in −1 … 1. */
function numbersOf(type: string, count: number, name: string): Float64Array {
  const uniform = randomNumbers(name.length + count)
  const isInteger = type.startsWith('int')
  return Float64Array.from({ length: count }, () => (isInteger ? 1 : 2 * uniform() - 1))
}
