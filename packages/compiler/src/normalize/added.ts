import { add, input, type Tensor, where } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { lowestOf } from '../operators/fused/fused-operator.ts'
import type { Program } from '../program/program.ts'
import type { Expansion } from './expansion.ts'

/** A sum that cuts have inserted upstream of the softmax of a written-out operator. */
export interface Added {
  readonly node: NodeProto
  /** The term that is added to the scores, [b,1,1,k]. */
  readonly bias: string
}

/** The sum `now` that stands where the scores `written` were read, if it adds something from outside to them. */
export function addedTo({ graph }: Program, expansion: Expansion, written: string, now: string): Added | undefined {
  const { scores, nodes } = expansion
  const node = graph.producer(now)
  if (scores?.source.node.output[scores.source.index] !== written) return undefined
  if (node?.opType !== 'Add' || node.domain !== '' || node.input[0] !== written) return undefined
  const bias = node.input[1] as string
  const producer = graph.producer(bias)
  const isOutside = producer === undefined || !nodes.includes(producer)
  return isOutside && graph.consumers(now).length === 1 && !graph.isOutput(now) ? { node, bias } : undefined
}

/** The input of the operator that adds `bias` to the scores besides what input `given` does. */
export function withBias(program: Program, addend: string, bias: string, before: NodeProto): string {
  if (addend === '') return bias
  const names = new Map<Tensor, string>()
  const value = (name: string): Tensor => {
    const { dtype, hasShape, dims } = program.tensor(name)
    const placeholder = input(name, dtype, hasShape ? dims : undefined)
    names.set(placeholder, name)
    return placeholder
  }
  const [was, more] = [value(addend), value(bias)]
  const sum = was.dtype === 'bool' ? where(was, more, lowestOf(more.dtype)) : add(was, more)
  return program.write(sum, names, { prefix: bias, before }).name
}
