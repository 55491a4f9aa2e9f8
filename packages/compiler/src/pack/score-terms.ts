import { constant, type DType, where } from '@tp/core'
import { constantData, type Dim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import type { Attention } from '../analyze/attention.ts'
import { placeholder } from '../operators/flow.ts'
import { isHeadReshape } from '../operators/head-reshape.ts'
import type { Program } from '../program/program.ts'
import type { Repeats } from '../prune/repeats.ts'

/** The steps between Q·Kᵀ and the softmax, as scale and sum. */
interface ScoreTerms {
  readonly scale: number
  /** Added for each key, [b|1,1,1,n], and for each pair, [b|1,h|1,n|1,n]: values of the graph. */
  readonly keys: readonly string[]
  readonly pairs: readonly string[]
}

interface ScoreSource {
  readonly program: Program
  /** `count`: the dimension of the keys. */
  readonly segment: { readonly count: Dim }
  readonly repeats: Repeats
}

/** Reads the nodes from Q·Kᵀ to the softmax as scale·x + terms. */
export function scoreTerms({ chain }: Attention, source: ScoreSource): ScoreTerms | undefined {
  const { program, segment, repeats } = source
  let scale = 1
  const keys: string[] = []
  const pairs: string[] = []
  const [product, ...steps] = chain as [NodeProto, ...NodeProto[]]
  for (const { name, f } of product.attribute) if (name === 'alpha') scale *= f
  let running = product.output[0] as string

  function addTerm(name: string): boolean {
    const narrow = repeats.without(name)
    const { hasShape, dims, dtype } = program.tensor(narrow)
    if (!hasShape || dims.length > 4 || !isFloat(dtype)) return false
    const [query = 1, key = 1] = dims.slice(-2)
    const heads = dims.at(-3) ?? 1
    if (dims.length === 3 && program.tensor(running).rank === 3) return false
    if (key !== segment.count) return dims.every((dim) => dim === 1) && isZero(program, narrow)
    if (query === 1 && heads === 1) keys.push(narrow)
    else if (query === segment.count) pairs.push(narrow)
    else return false
    return true
  }

  for (const node of steps.slice(0, -1)) {
    const [output] = node.output as [string]
    const side = node.input.find((name) => name !== running && name !== '')
    const number = side === undefined ? undefined : scalar(program, side)
    const free = keys.length + pairs.length === 0
    const isFirst = node.input[0] === running
    switch (node.opType) {
      case 'Identity':
        break
      case 'Cast':
        if (!isFloat(program.tensor(output).dtype)) return undefined
        break
      case 'QuantizeLinear':
      case 'DequantizeLinear':
        // Steps of 8 bits are left out; a range that a mask was added in would be another matter.
        if (!free || !isFirst) return undefined
        break
      case 'Reshape':
        if (!isHeadReshape(program, node)) return undefined
        break
      case 'Mul':
        if (number === undefined || !free) return undefined
        scale *= number
        break
      case 'Div':
        if (number === undefined || !free || !isFirst) return undefined
        scale /= number
        break
      case 'Max':
        // A floor below all scores, against overflow.
        if (number === undefined || number > HIDDEN) return undefined
        break
      case 'Add':
        if (side === undefined || !addTerm(side)) return undefined
        break
      case 'Where': {
        const hidden = hiddenBy(node, running, source)
        if (hidden === undefined || !addTerm(hidden)) return undefined
        break
      }
      default:
        return undefined
    }
    running = output
  }
  return { scale, keys, pairs }
}

/** Scores that are added to others or replace them, and give no weight. */
const HIDDEN = -1000

/** The term that a Where that hides scores would add instead: 0, or the number that it replaces them by. */
function hiddenBy(node: NodeProto, running: string, { program, repeats }: ScoreSource): string | undefined {
  const [condition, yes, no] = node.input as [string, string, string]
  const hides = yes === running ? no : yes
  const number = scalar(program, hides)
  if (number === undefined || number > HIDDEN || condition === running) return undefined
  const narrow = repeats.without(condition)
  const known = program.tensor(narrow)
  const value = placeholder(narrow, known, known.dims)
  const { dtype } = program.tensor(running)
  const [zero, low] = [constant(0, dtype), constant(number, dtype)]
  const added = yes === running ? where(value, zero, low) : where(value, low, zero)
  return program.write(added, new Map([[value, narrow]]), { prefix: `${node.output[0]}/packed`, before: node }).name
}

function scalar(program: Program, name: string): number | undefined {
  const data = constantData(program.tensor(name))
  return data?.data.length === 1 ? data.data[0] : undefined
}

function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16'
}

function isZero(program: Program, name: string): boolean {
  return scalar(program, name) === 0
}
