import { getFloat16 } from '@petamoriken/float16'

/** The number of each 16 bits: the library takes a microsecond for one, and a file has millions. Filled when first needed. */
let numbers: Float32Array | undefined

/** Numbers that the 16 bits of IEEE halves stand for, exactly. */
export function fromHalves(halves: ArrayLike<number>): Float32Array {
  numbers ??= allNumbers()
  const values = new Float32Array(halves.length)
  for (let i = 0; i < values.length; i++) values[i] = numbers[halves[i] as number] as number
  return values
}

function allNumbers(): Float32Array {
  const view = new DataView(new ArrayBuffer(2))
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    view.setUint16(0, bits)
    return getFloat16(view, 0)
  })
}

/** The 16 bits nearest to each number, ties to even; beyond 65519 infinity. */
export function toHalves(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < halves.length; i++) halves[i] = toHalf(values[i] as number)
  return halves
}

/** The first number that rounds to infinity, and the exponent below which there are fewer significant bits. */
const [TOO_LARGE, LEAST_EXPONENT] = [65520, -14]

/** A sum with it has no fraction: ties have gone to even. */
const INTEGERS_FROM = 1.5 * 2 ** 52

const double = new DataView(new ArrayBuffer(8))

/** By arithmetic, since the library takes two microseconds for one. */
function toHalf(value: number): number {
  double.setFloat64(0, value)
  const high = double.getUint16(0)
  const [sign, exponent] = [high & 0x8000, Math.max(LEAST_EXPONENT, ((high >> 4) & 0x7ff) - 1023)]
  if (Number.isNaN(value)) return 0x7e00
  if (Math.abs(value) >= TOO_LARGE) return sign | 0x7c00
  // 11 significant bits at most: the highest one, or the carry of rounding, counts on in the exponent.
  const significant = Math.abs(value) * 2 ** (10 - exponent) + INTEGERS_FROM - INTEGERS_FROM
  return sign | (((exponent - LEAST_EXPONENT) << 10) + significant)
}
