import { TpError } from '@tp/core'

/** The sums that a linear regression y ≈ x · W needs. Row-major. */
export interface Normal {
  /** [n,n]: Σ x xᵀ */
  readonly xx: Float64Array
  /** [n,m]: Σ x yᵀ */
  readonly xy: Float64Array
}

export function emptyNormal(n: number, m: number): Normal {
  return { xx: new Float64Array(n * n), xy: new Float64Array(n * m) }
}

export function addTo(sum: Float64Array, more: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number)
}

export function sumOf({ xx, xy }: Normal, other: Normal): Normal {
  const both = { xx: xx.slice(), xy: xy.slice() }
  addTo(both.xx, other.xx)
  addTo(both.xy, other.xy)
  return both
}

/**
 * Ridge regression: W [n,m] of the least Σ ‖y − xW‖² + λ ‖W‖², by Cholesky's decomposition of Σ x xᵀ + λ I = L Lᵀ.
 * @param strength λ as a multiple of the mean of the diagonal of Σ x xᵀ
 * @throws TpError TP_DATA if there are no numbers to fit
 */
export function ridge({ xx, xy }: Normal, strength: number): Float64Array {
  const n = Math.sqrt(xx.length)
  const m = xy.length / n
  let trace = 0
  for (let i = 0; i < n; i++) trace += xx[i * n + i] as number
  const lower = cholesky(xx, n, (strength * trace) / n)
  const w = xy.slice()
  // L z = y, then Lᵀ w = z, for all columns at once.
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtractRow(w, m, i, k, lower[i * n + k] as number)
    divideRow(w, m, i, lower[i * n + i] as number)
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtractRow(w, m, i, k, lower[k * n + i] as number)
    divideRow(w, m, i, lower[i * n + i] as number)
  }
  return w
}

/** Σ ‖y − xW‖² but for Σ ‖y‖², which W does not change. */
export function lossOf({ xx, xy }: Normal, w: Float64Array): number {
  const n = Math.sqrt(xx.length)
  const m = xy.length / n
  let loss = 0
  const row = new Float64Array(m)
  for (let i = 0; i < n; i++) {
    row.fill(0)
    for (let k = 0; k < n; k++) {
      const by = xx[i * n + k] as number
      for (let j = 0; j < m; j++) row[j] = (row[j] as number) + by * (w[k * m + j] as number)
    }
    for (let j = 0; j < m; j++) loss += (w[i * m + j] as number) * ((row[j] as number) - 2 * (xy[i * m + j] as number))
  }
  return loss
}

/** Of some strengths, the one whose W is best on sums that it was not fitted on. */
export function bestStrength(fit: Normal, heldOut: Normal, strengths: readonly number[]): number {
  const losses = strengths.map((strength) => lossOf(heldOut, ridge(fit, strength)))
  return strengths[losses.indexOf(Math.min(...losses))] as number
}

function cholesky(a: Float64Array, n: number, added: number): Float64Array {
  const lower = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (a[i * n + j] as number) + (i === j ? added : 0)
      for (let k = 0; k < j; k++) sum -= (lower[i * n + k] as number) * (lower[j * n + k] as number)
      if (i !== j) lower[i * n + j] = sum / (lower[j * n + j] as number)
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum)
      else
        throw new TpError('TP_DATA', 'train', 'the states of the texts are not numbers that anything can be fitted to')
    }
  }
  return lower
}

/** Row i of [n,m] minus a multiple of row k. */
function subtractRow(w: Float64Array, m: number, i: number, k: number, by: number): void {
  for (let j = 0; j < m; j++) w[i * m + j] = (w[i * m + j] as number) - by * (w[k * m + j] as number)
}

function divideRow(w: Float64Array, m: number, i: number, by: number): void {
  for (let j = 0; j < m; j++) w[i * m + j] = (w[i * m + j] as number) / by
}
