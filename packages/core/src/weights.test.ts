import { expect, test } from 'vitest'
import { evaluate } from './interpreter.ts'
import { readSafetensors } from './safetensors.ts'
import { scorer } from './scorer.ts'
import { paramsOf } from './weights.ts'

/** A file with one float32 tensor, as the format's description lays it out. */
function safetensors(name: string, shape: readonly number[], data: readonly number[]): Uint8Array {
  const header = JSON.stringify({ [name]: { dtype: 'F32', shape, data_offsets: [0, data.length * 4] } })
  const bytes = new Uint8Array(8 + header.length + data.length * 4)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(header.length), true)
  bytes.set(new TextEncoder().encode(header), 8)
  for (const [i, x] of data.entries()) view.setFloat32(8 + header.length + i * 4, x, true)
  return bytes
}

const method = scorer({
  name: 'learned',
  family: 'gradient',
  params: { weight: { dims: [2], init: 0 } },
  score: (site) => site.received,
})

test('values are read for a block of their own, or for all', () => {
  const own = readSafetensors(safetensors('block.3.weight', [2], [0.5, -2]))
  const all = readSafetensors(safetensors('weight', [2], [1, 4]))
  expect(evaluate([paramsOf(method, own, 3).weight as never], new Map())[0]?.data).toEqual(Float32Array.of(0.5, -2))
  expect(evaluate([paramsOf(method, all, 3).weight as never], new Map())[0]?.data).toEqual(Float32Array.of(1, 4))
})

test.each([
  ['another block', safetensors('block.1.weight', [2], [1, 2])],
  ['another shape', safetensors('weight', [3], [1, 2, 3])],
  ['cut short', safetensors('weight', [2], [1, 2]).slice(0, -3)],
  ['no safetensors', new TextEncoder().encode('hello, this is a text file')],
  ['empty', new Uint8Array()],
])('%s is an error with a code', (_, bytes) => {
  expect(() => paramsOf(method, readSafetensors(bytes), 3)).toThrow(expect.objectContaining({ code: 'TP_WEIGHTS' }))
})
