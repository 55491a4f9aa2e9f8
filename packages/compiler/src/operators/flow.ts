import { input, type Tensor } from '@tp/core'
import { type Dim, namesIn, subDims } from '@tp/core/expression'
import { Refused } from '../program/refusal.ts'
import type { Flow } from './operator.ts'

/** True if the size counts tokens that the flow follows. */
export function counts(flow: Flow, dim: Dim): boolean {
  return typeof dim === 'string' && (dim === flow.count || namesIn(dim).has(flow.count))
}

/** Leading tokens that an axis of the flow does not have, if it has all the others; undefined if it is something else. */
export function skippedTokens(flow: Flow, dim: Dim): number | undefined {
  const skipped = subDims(flow.count, dim)
  return typeof skipped === 'number' && skipped >= 0 ? skipped : undefined
}

/** Records a changed value; it must not be read where it cannot be followed. */
export function change(flow: Flow, name: string, tensor: Tensor): void {
  const captured = flow.program.graph.consumers(name).find((use) => use.index < 0)
  if (captured !== undefined) {
    throw new Refused(
      'TP_CONTROL_FLOW',
      'tokens are used inside the body of a control-flow node, where they cannot be followed',
      captured.node,
    )
  }
  flow.changed.set(name, tensor)
}

/** Makes what was found the program's knowledge, and what the file declares of the changed values true again. */
export function commit(flow: Flow): void {
  const { graph } = flow.program
  for (const [name, tensor] of flow.changed) {
    flow.program.setTensor(name, tensor)
    if (graph.isOutput(name) || graph.valueInfo(name) === undefined) continue
    graph.setValueInfo(
      name,
      tensor.dtype,
      tensor.dims.map((dim) => (counts(flow, dim) ? undefined : dim)),
    )
  }
}

/** A value known by type and shape only. */
export function placeholder(name: string, like: Tensor, dims: readonly Dim[]): Tensor {
  return input(name, like.dtype, dims)
}
