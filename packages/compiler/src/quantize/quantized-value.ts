/** A value as 8-bit numbers: names of them, of their scale and of their zero point; no zero point means 0. */
export interface QuantizedValue {
  readonly data: string
  readonly scale: string
  readonly zero: string
  /** A further scale for each row, [..., 1]. */
  readonly rows?: string
}
