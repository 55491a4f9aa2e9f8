import { div, floor, less, mul, type Tensor } from '@tp/core'

/** bool: whole numbers, not negative, that are odd. */
export function odd(x: Tensor): Tensor {
  return less(mul(floor(div(x, 2)), 2), x)
}
