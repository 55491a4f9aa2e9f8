import { applyOne } from '../expression/apply.ts'
import type { Attributes, Tensor } from '../expression/tensor.ts'
import { constant } from '../ops/constant.ts'
import { add, concat, gather, prod, shape, slice, unsqueeze } from '../ops/index.ts'
import { Reshape } from '../ops/reshape.ts'
import { attributeValue } from './operator.ts'

/** Sizes of a tensor around its axes of rows and tokens, as int64 lists. */
export interface Places {
  readonly before: Tensor
  readonly rows: Tensor
  readonly between: Tensor
  readonly tokens: Tensor
  readonly after: Tensor
}

/** Reads the sizes of `x` by the attributes `rows` and `axis`. */
export function placesOf(x: Tensor, attributes: Attributes): Places {
  const sizes = shape(x)
  const [rows, axis] = [listOf(attributes, 'rows'), listOf(attributes, 'axis')]
  return {
    before: slice(sizes, { axis: 0, start: 0, end: rows }),
    rows: gather(sizes, rows, 0),
    between: slice(sizes, { axis: 0, start: add(rows, one), end: axis }),
    tokens: gather(sizes, axis, 0),
    after: slice(sizes, { axis: 0, start: add(axis, one) }),
  }
}

/** An attribute as an int64 list of one. */
export function listOf(attributes: Attributes, name: string): Tensor {
  return unsqueeze(attributeValue(attributes, name), 0)
}

export const one: Tensor = constant([1], 'int64')

/** The product of int64 lists of sizes, as a list of one; 1 for none. */
export function product(...lists: readonly Tensor[]): Tensor {
  return prod(concat([one, ...lists], 0), 0, { keepDims: true })
}

/** x under the sizes of these int64 lists, of which some may be 0. */
export function sized(x: Tensor, lists: readonly Tensor[]): Tensor {
  return applyOne(Reshape, [x, lists.length === 1 ? lists[0] : concat(lists, 0)], { allowzero: 1 })
}
