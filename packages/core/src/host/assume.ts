import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op, Tensor } from '../expression/tensor.ts'

/** Renames the sizes of a value; costs nothing and is dropped when a graph is written. */
const Assume: Op = {
  name: 'Assume',
  // attribute lists hold one type, so sizes are kept as text
  infer: ([x], { dims }) => [
    {
      dtype: (x as Tensor).dtype,
      dims: (dims as readonly string[]).map((dim) => (/^\d+$/.test(dim) ? Number(dim) : dim)),
    },
  ],
  run: ([x]) => [x as NonNullable<typeof x>],
  expand: ({ inputs }) => [inputs[0] as Tensor],
}

/** The same value with its axes renamed: the tokens kept at one site are the next site's `N`. */
export function assume(x: Tensor, dims: readonly Dim[]): Tensor {
  return applyOne(Assume, [x], { dims: dims.map(String) })
}
