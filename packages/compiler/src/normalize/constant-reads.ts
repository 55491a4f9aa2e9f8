import { constant, gather, type Tensor } from '@tp/core'
import { readAttributes } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * GatherND whose tuples of one number are constant is a Gather along the first axis. Torch's default exporter splits queries from the keys
 * and values of a multi-query attention so, along their heads [h+2,b,n,d].
 */
export const gatherConstants: NormalizePass = {
  name: 'gather by constants along the first axis',
  run: ({ program }) => {
    const { graph } = program
    const reads = graph.nodes.flatMap((node) => {
      if (node.opType !== 'GatherND' || node.domain !== '' || (readAttributes(node)?.batch_dims ?? 0) !== 0) return []
      const [data, indices] = node.input.map((name) => program.tensor(name)) as [Tensor, Tensor]
      const numbers = indices.value?.filter((index) => typeof index === 'number')
      if (!data.hasShape || indices.rank !== 2 || indices.dims[1] !== 1 || graph.isOutput(node.output[0] as string))
        return []
      return numbers === undefined || numbers.length !== indices.dims[0] ? [] : [{ node, data, numbers }]
    })
    for (const { node, data, numbers } of reads) {
      const name = node.input[0] as string
      const whole = placeholder(name, data, data.dims)
      const rows = gather(whole, constant(numbers, 'int64'), 0)
      const read = program.write(rows, new Map([[whole, name]]), { prefix: 'tp/read', before: node })
      graph.replaceAllUses(node.output[0] as string, read.name)
    }
    if (reads.length === 0) return false
    graph.removeDeadNodes()
    return true
  },
}
