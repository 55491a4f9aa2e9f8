/** A discrete Fourier transform of a fixed length: transforms the numbers `re` + i `im`, in place. */
export type Fourier = (re: Float64Array, im: Float64Array) => void

interface Complex {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** One of the transform's steps: `count` butterflies of `radix` numbers, each for `stride` interleaved transforms. */
interface Step {
  readonly stride: number
  readonly count: number
  /** exp(−2πi·stride·p·u/length), by p and u from 1. */
  readonly cos: Float64Array
  readonly sin: Float64Array
}

/**
 * The transform of `length` numbers in steps of 4 and 5 (Stockham's order, without bit reversal): 400 = 4·4·5·5.
 *
 *   y[q + stride·(radix·p + u)] = w^(stride·p·u) · Σ_i x[q + stride·(p + count·i)] · exp(−2πi·i·u/radix),   w = exp(−2πi/length)
 *
 * @returns undefined for a length with other factors
 */
export function fourier(length: number): Fourier | undefined {
  const radices: (4 | 5)[] = []
  let rest = length
  for (const radix of [4, 5] as const) for (; rest % radix === 0; rest /= radix) radices.push(radix)
  if (rest !== 1) return undefined
  let stride = 1
  const steps = radices.map((radix) => {
    const count = length / stride / radix
    const angles = Array.from({ length: count * (radix - 1) }, (_, i) => {
      const [p, u] = [Math.floor(i / (radix - 1)), (i % (radix - 1)) + 1]
      return (-2 * Math.PI * stride * p * u) / length
    })
    const step = { stride, count, cos: Float64Array.from(angles, Math.cos), sin: Float64Array.from(angles, Math.sin) }
    stride *= radix
    return { radix, step }
  })
  const other = { re: new Float64Array(length), im: new Float64Array(length) }
  return (re, im) => {
    let from: Complex = { re, im }
    let to: Complex = other
    for (const { radix, step } of steps) {
      if (radix === 4) byFour(from, to, step)
      else byFive(from, to, step)
      ;[from, to] = [to, from]
    }
    if (from !== other) return
    re.set(other.re)
    im.set(other.im)
  }
}

function byFour(from: Complex, to: Complex, { stride, count, cos, sin }: Step): void {
  const { re: x, im: y } = from
  const { re, im } = to
  const far = stride * count
  for (let p = 0; p < count; p++) {
    const [c1, c2, c3] = [cos[3 * p], cos[3 * p + 1], cos[3 * p + 2]] as [number, number, number]
    const [s1, s2, s3] = [sin[3 * p], sin[3 * p + 1], sin[3 * p + 2]] as [number, number, number]
    for (let q = 0; q < stride; q++) {
      const i = stride * p + q
      const [x0, x1, x2, x3] = [x[i], x[i + far], x[i + 2 * far], x[i + 3 * far]] as [number, number, number, number]
      const [y0, y1, y2, y3] = [y[i], y[i + far], y[i + 2 * far], y[i + 3 * far]] as [number, number, number, number]
      const [ax, ay, bx, by] = [x0 + x2, y0 + y2, x0 - x2, y0 - y2]
      const [cx, cy, dx, dy] = [x1 + x3, y1 + y3, x1 - x3, y1 - y3]
      const o = 4 * stride * p + q
      re[o] = ax + cx
      im[o] = ay + cy
      write(re, im, o + stride, bx + dy, by - dx, c1, s1)
      write(re, im, o + 2 * stride, ax - cx, ay - cy, c2, s2)
      write(re, im, o + 3 * stride, bx - dy, by + dx, c3, s3)
    }
  }
}

const [C1, C2] = [Math.cos((2 * Math.PI) / 5), Math.cos((4 * Math.PI) / 5)]
const [S1, S2] = [Math.sin((2 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)]

function byFive(from: Complex, to: Complex, { stride, count, cos, sin }: Step): void {
  const { re: x, im: y } = from
  const { re, im } = to
  const far = stride * count
  for (let p = 0; p < count; p++) {
    const t = 4 * p
    const [c1, c2, c3, c4] = [cos[t], cos[t + 1], cos[t + 2], cos[t + 3]] as [number, number, number, number]
    const [s1, s2, s3, s4] = [sin[t], sin[t + 1], sin[t + 2], sin[t + 3]] as [number, number, number, number]
    for (let q = 0; q < stride; q++) {
      const i = stride * p + q
      const [x0, y0] = [x[i], y[i]] as [number, number]
      const [x1, x2, x3, x4] = [x[i + far], x[i + 2 * far], x[i + 3 * far], x[i + 4 * far]] as [
        number,
        number,
        number,
        number,
      ]
      const [y1, y2, y3, y4] = [y[i + far], y[i + 2 * far], y[i + 3 * far], y[i + 4 * far]] as [
        number,
        number,
        number,
        number,
      ]
      const [ax, ay, bx, by] = [x1 + x4, y1 + y4, x1 - x4, y1 - y4]
      const [cx, cy, dx, dy] = [x2 + x3, y2 + y3, x2 - x3, y2 - y3]
      const [ex, ey] = [x0 + C1 * ax + C2 * cx, y0 + C1 * ay + C2 * cy]
      const [fx, fy] = [x0 + C2 * ax + C1 * cx, y0 + C2 * ay + C1 * cy]
      const [gx, gy] = [S1 * by + S2 * dy, S1 * bx + S2 * dx]
      const [hx, hy] = [S2 * by - S1 * dy, S2 * bx - S1 * dx]
      const o = 5 * stride * p + q
      re[o] = x0 + ax + cx
      im[o] = y0 + ay + cy
      write(re, im, o + stride, ex + gx, ey - gy, c1, s1)
      write(re, im, o + 2 * stride, fx + hx, fy - hy, c2, s2)
      write(re, im, o + 3 * stride, fx - hx, fy + hy, c3, s3)
      write(re, im, o + 4 * stride, ex - gx, ey + gy, c4, s4)
    }
  }
}

/** (x + iy)·(c + is) */
function write(re: Float64Array, im: Float64Array, at: number, x: number, y: number, c: number, s: number): void {
  re[at] = x * c - y * s
  im[at] = x * s + y * c
}
