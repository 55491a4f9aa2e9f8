import { getFloat16, setFloat16 } from '@petamoriken/float16'

const view = new DataView(new ArrayBuffer(2))

/** The number of each 16 bits: the library takes a microsecond for one, and a file has millions. Filled when first needed. */
let numbers: Float32Array | undefined

/** Number that the 16 bits of an IEEE half stand for, exactly. */
export function fromHalf(bits: number): number {
  numbers ??= Float32Array.from({ length: 2 ** 16 }, (_, all) => {
    view.setUint16(0, all)
    return getFloat16(view, 0)
  })
  return numbers[bits] as number
}

/** The 16 bits nearest to a number, ties to even; beyond 65519 infinity. */
export function toHalf(value: number): number {
  setFloat16(view, 0, value)
  return view.getUint16(0)
}
