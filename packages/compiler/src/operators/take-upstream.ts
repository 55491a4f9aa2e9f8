import type { Dim, Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { einsumTerms, takeEinsumOperand } from './einsum.ts'
import type { Flow } from './flow.ts'
import { isHeadReshape } from './heads.ts'
import { broadcastingOps, operatorName, pointwiseOps } from './operator.ts'

/** An operand that has to follow the tokens along these of its axes. */
interface Part {
  readonly index: number
  readonly axes: readonly number[]
}

/**
 * Makes a value that follows the tokens along one axis follow along others as well, by way of what it is computed from:
 * a bias between positions that was multiplied by a gate of each query. What leaves is then not computed at all, and
 * later cuts find plain nodes. False where its operands cannot be told.
 */
export function takeBehind(
  flow: Flow,
  name: string,
  axes: readonly number[],
  repair: (flow: Flow, node: NodeProto) => (Tensor | undefined)[],
): boolean {
  const { graph } = flow.program
  const node = graph.producer(name)
  const readers = graph.consumers(name).filter((use) => use.node.opType !== 'Shape')
  if (node === undefined || readers.length !== 1) return false
  const parts = partsOf(flow, node, name, axes)
  if (parts === undefined) return false
  const rank = flow.program.tensor(name).rank
  for (const part of parts) {
    const input = node.input[part.index] as string
    if (flow.changed.has(input)) {
      if (!takeBehind(flow, input, part.axes, repair)) return false
    } else if (node.opType === 'Einsum') {
      takeEinsumOperand(flow, node, part.index, part.axes)
    } else {
      const own = broadcastingOps.has(operatorName(node)) ? rank : flow.program.tensor(input).rank
      flow.rewire(node, part.index, flow.take(input, part.axes, own, node).name)
    }
  }
  const [result] = flow.program.infer(node, repair(flow, node))
  if (result === undefined) return false
  flow.changed.set(name, result)
  return true
}

/** The operands that have the given axes of a node's result, and where. */
function partsOf(flow: Flow, node: NodeProto, name: string, axes: readonly number[]): Part[] | undefined {
  const { program } = flow
  const output = program.tensor(name)
  const opType = operatorName(node)
  const inputs = node.input.map((input) =>
    input === '' ? undefined : (flow.changed.get(input) ?? program.tensor(input)),
  )
  const [data] = inputs
  const { attributes } = output.node
  if (pointwiseOps.has(opType)) return [{ index: 0, axes }]
  if (broadcastingOps.has(opType)) {
    return inputs.flatMap((x, index) => {
      const own = axes.map((axis) => axis - output.rank + (x?.rank ?? 0)).filter((axis) => isWide(x?.dims[axis]))
      return own.length > 0 ? [{ index, axes: own }] : []
    })
  }
  switch (opType) {
    case 'Transpose':
      return [{ index: 0, axes: axes.map((axis) => (attributes.perm as readonly number[])[axis] as number) }]
    case 'Reshape': {
      const added = (data as Tensor).rank - output.rank
      const last = axes.every((axis) => axis >= output.rank - 2)
      return last && isHeadReshape(program, node) ? [{ index: 0, axes: axes.map((axis) => axis + added) }] : undefined
    }
    case 'Unsqueeze': {
      const added = attributes.axes as readonly number[]
      const left = output.dims.map((_, axis) => axis).filter((axis) => !added.includes(axis))
      return [{ index: 0, axes: axes.map((axis) => left.indexOf(axis)) }]
    }
    case 'Expand': {
      const own = axes.map((axis) => axis - output.rank + (data as Tensor).rank)
      return own.every((axis) => isWide(data?.dims[axis])) ? [{ index: 0, axes: own }] : undefined
    }
    case 'GatherElements':
      return axes.includes(attributes.axis as number) && axes.length === 1 ? [{ index: 1, axes }] : undefined
    case 'MatMul':
      return axes.length === 1 && axes[0] === output.rank - 1
        ? [{ index: 1, axes: [(inputs[1] as Tensor).rank - 1] }]
        : undefined
    case 'Einsum': {
      const { terms, result } = einsumTerms(node)
      const letters = axes.map((axis) => result[axis] as string)
      return terms.flatMap((term, index) => {
        const own = letters.map((letter) => term.indexOf(letter)).filter((axis) => axis >= 0)
        return own.length > 0 ? [{ index, axes: own }] : []
      })
    }
    default:
      return undefined
  }
}

function isWide(dim: Dim | undefined): boolean {
  return dim !== undefined && dim !== 1
}
