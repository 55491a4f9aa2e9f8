import { axisSize, cast, reshape } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import { type Program, readsShape } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * The positions 0, 1, 2, … that an index of tokens is made from (arange(x.shape[1]) · mask, of which the largest is the last real one) count to
 * the size of an input, where they counted to that of the states, of which fewer are left once tokens are pruned. In place.
 */
export const countByInputs: NormalizePass = {
  name: 'count positions of an index by the inputs',
  run: ({ program }) => {
    const { graph } = program
    const ranges = new Set(graph.nodes.flatMap((node) => rangesOf(program, node)))
    for (const range of ranges) {
      const limit = range.input[1] as string
      const [count] = program.tensor(limit).value ?? []
      const counting = graph.inputs.find(({ name }) => program.tensor(name).dims.some((dim) => dim === count))
      if (typeof count !== 'string' || counting === undefined) continue
      const { dims } = program.tensor(counting.name)
      const whole = placeholder(counting.name, program.tensor(counting.name), dims)
      const { dtype, rank } = program.tensor(limit)
      const size = cast(reshape(axisSize(whole, dims.indexOf(count)), rank === 0 ? [] : [1]), dtype)
      const { name } = program.write(size, new Map([[whole, counting.name]]), { prefix: 'tp/positions', before: range })
      graph.replaceInput(range, 1, name)
    }
    if (ranges.size === 0) return false
    graph.removeDeadNodes()
    return true
  },
}

/** The ranges that an index alone is made from: others may have to follow the tokens that are kept. */
function rangesOf(program: Program, node: NodeProto): NodeProto[] {
  const { graph } = program
  if (node.opType !== 'GatherND' && node.opType !== 'GatherElements') return []
  const index = program.before(node.input[1] as string)
  return [...index].flatMap((name) => {
    const range = graph.producer(name)
    if (range?.opType !== 'Range' || !countsStates(program, range.input[1] as string)) return []
    return graph.consumers(name).every((use) => use.node.output.some((output) => index.has(output))) ? [range] : []
  })
}

/** True if a size is read from something else than the model's inputs. */
function countsStates(program: Program, size: string): boolean {
  return [...program.before(size)].some((name) => {
    const node = program.graph.producer(name)
    return node !== undefined && readsShape(node) && !program.isInput(node.input[0] as string)
  })
}
