import type { DType } from '../array.ts'
import { TpError } from '../errors.ts'
import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { textOf } from './operands.ts'

/** A value that comes from outside: an input of the model, or of the place where the expression is put. */
export const Input: Op = {
  name: 'Input',
  infer(_, attributes) {
    // attribute lists hold one type, so sizes are kept as text
    const dims = attributes.dims as readonly string[] | undefined
    return [
      {
        dtype: textOf(attributes, 'dtype', 'float32') as DType,
        dims: dims?.map((dim) => (/^\d+$/.test(dim) ? Number(dim) : dim)),
      },
    ]
  },
  run(_, attributes) {
    throw new TpError('TP_INPUT', 'core', `input ${textOf(attributes, 'name', '?')} was not given; feed it`)
  },
}

/** A value from outside; without `dims` not even the number of axes is known. */
export function input(name: string, dtype: DType, dims?: readonly Dim[]): Tensor {
  return applyOne(Input, [], { name, dtype, dims: dims?.map(String) })
}
