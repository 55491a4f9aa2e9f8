import type { Op } from '../expression/tensor.ts'
import { noKernel } from './kernels.ts'

/** An operator that onnxruntime's optimizer writes into files, domain com.microsoft; without a kernel unless it has one. */
export function define(name: string, op: Op['infer'] | (Pick<Op, 'infer'> & Partial<Op>)): Op {
  return {
    run: noKernel(`com.microsoft.${name}`),
    ...(typeof op === 'function' ? { infer: op } : op),
    name: `com.microsoft.${name}`,
    write: ({ inputs, attributes }) => ({ type: name, domain: 'com.microsoft', inputs, attributes }),
  }
}
