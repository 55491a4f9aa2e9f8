import { isTpError } from '@tp/core'
import { type Dim, mulDims, namesIn, substituteDim } from '@tp/core/expression'
import type { Model } from '@tp/onnx'
import { Program, withEqualSizes } from './program/program.ts'
import { nameOf } from './program/refusal.ts'

/** The result of a node, and the bytes that it has at least. */
export interface LargestValue {
  readonly node: string
  readonly bytes: number
}

/**
 * The largest value that a model computes whatever it is given: for one example of one token. A file of some kilobytes can ask for any number of
 * elements, and a runtime that fills them cannot be stopped in time. Sizes that are computed from contents are not known.
 * @returns undefined where no size is known, or the graph cannot be read
 */
export function largestValue(model: Model): LargestValue | undefined {
  try {
    return withEqualSizes(() => largestOf(new Program(model)))
  } catch (error) {
    // Those that read the graph for more say so.
    if (isTpError(error)) return undefined
    throw error
  }
}

function largestOf(program: Program): LargestValue | undefined {
  let largest: LargestValue | undefined
  for (const node of program.graph.nodes) {
    for (const name of node.output.filter((output) => output !== '')) {
      const { dtype, hasShape, dims } = program.tensor(name)
      const elements = hasShape ? atLeast(dims.reduce<Dim>(mulDims, 1)) : undefined
      const bytes = (elements ?? 0) * (Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8)
      if (bytes > (largest?.bytes ?? 0)) largest = { node: nameOf(node), bytes }
    }
  }
  return largest
}

function atLeast(size: Dim): number | undefined {
  const least = substituteDim(size, new Map([...namesIn(size)].map((name) => [name, 1])))
  return typeof least === 'number' ? least : undefined
}
