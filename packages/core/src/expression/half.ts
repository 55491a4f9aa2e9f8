import { getFloat16, setFloat16 } from '@petamoriken/float16'

const view = new DataView(new ArrayBuffer(2))

/** Number that the 16 bits of an IEEE half stand for, exactly. */
export function fromHalf(bits: number): number {
  view.setUint16(0, bits)
  return getFloat16(view, 0)
}

/** The 16 bits nearest to a number, ties to even; beyond 65519 infinity. */
export function toHalf(value: number): number {
  setFloat16(view, 0, value)
  return view.getUint16(0)
}
