import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { asTensor, type Operand } from './constant.ts'
import { choose, larger, mapContents, smaller } from './contents.ts'
import { at } from './kernels.ts'
import { mustBe, operand, sameType } from './operands.ts'
import { broadcastOf } from './sizes.ts'
import { broadcastSizes, broadcastWalk } from './strides.ts'

/** Elements of one tensor where the condition holds, of the other elsewhere; all three broadcast. */
export const Where: Op = {
  name: 'Where',
  since: 9,
  infer(inputs) {
    const condition = operand(inputs, 0)
    const a = operand(inputs, 1)
    const b = operand(inputs, 2)
    mustBe('bool', condition)
    const dims = broadcastOf([condition, a, b])
    const which = comparison(condition, a, b) ?? choose
    return [{ dtype: sameType(a, b), dims, value: mapContents([condition, a, b], dims, which) }]
  },
  run(inputs, _, context) {
    const condition = at(inputs, 0)
    const a = at(inputs, 1)
    const b = at(inputs, 2)
    const dims = broadcastSizes(condition.dims, a.dims, b.dims)
    const result = context.zeros(a.dtype, dims)
    const [which, left, right] = [condition, a, b].map((x) => broadcastWalk(x.dims, dims)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ]
    for (let i = 0; i < result.data.length; i++) {
      const truth = condition.data[which[i] as number] as number
      result.data[i] = (truth ? a.data[left[i] as number] : b.data[right[i] as number]) as number
    }
    return [result]
  },
}

/** Below opset 12 integers have neither Min nor Max: the smaller or larger of two is a choice by comparison. */
function comparison({ node }: Tensor, a: Tensor, b: Tensor): ((condition: Dim, a: Dim, b: Dim) => Dim) | undefined {
  const [left, right] = node.inputs
  const reads = (x: Tensor | undefined, y: Tensor): boolean =>
    y.value !== undefined && x?.value?.join() === y.value.join()
  if (!reads(left, a) || !reads(right, b)) return undefined
  if (node.op.name === 'Less') return (_, x, y) => smaller(x, y)
  return node.op.name === 'Greater' ? (_, x, y) => larger(x, y) : undefined
}

/** `a` where the condition holds, else `b`; one of them may be a plain number. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = typeof a === 'number' ? (typeof b === 'number' ? 'float32' : b.dtype) : a.dtype
  return applyOne(Where, [condition, asTensor(a, like), asTensor(b, like)])
}
