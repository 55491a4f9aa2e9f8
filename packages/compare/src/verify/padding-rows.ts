import type { NamedTensors } from '@tp/core/runtime'
import { sizesOf } from './answers.ts'
import { notVerified, numbersOf } from './differences.ts'
import type { Trial } from './trials.ts'

/**
 * Rows of padding that are 0 have to remain 0: whoever sums them, or takes the largest similarity to any, reads them.
 * @throws TpError TP_VERIFY
 */
export function requireZeroPadding(outputs: NamedTensors, dense: NamedTensors, { inputs, examples }: Trial): void {
  const { tokens } = sizesOf(inputs)
  for (const [name, tensor] of Object.entries(dense)) {
    const changed = outputs[name]
    if (tensor.dims[1] !== tokens || String(changed?.dims) !== String(tensor.dims)) continue
    const [expected, seen] = [numbersOf(tensor), numbersOf(changed as typeof tensor)]
    const width = expected.length / (tokens * (tensor.dims[0] as number))
    for (const [row, { start, length = tokens }] of examples.entries()) {
      for (let token = 0; token < tokens; token++) {
        if (token >= start && token < start + length) continue
        const at = (row * tokens + token) * width
        if (!expected.slice(at, at + width).every((value) => value === 0)) continue
        const wrong = seen.slice(at, at + width).find((value) => Math.abs(value) > ZERO)
        if (wrong === undefined) continue
        throw notVerified(`output "${name}" is ${wrong} at padding, where the source has 0`)
      }
    }
  }
}

const ZERO = 1e-6
