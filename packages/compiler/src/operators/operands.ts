import { type Dim, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts, skippedTokens } from './flow.ts'
import { replace } from './node-inputs.ts'
import type { Flow, Inputs } from './operator.ts'
import { takeUpstream } from './take-upstream.ts'

/** `except`: an axis along which operands may differ. */
export function alignOperand(
  flow: Flow,
  node: NodeProto,
  inputs: Inputs,
  i: number,
  rank: number,
  except?: number,
): void {
  const operand = inputs[i]
  if (operand === undefined) return
  const axes: number[] = []
  let skipped = 0
  for (const [axis, dim] of operand.dims.entries()) {
    const position = axis + rank - operand.rank
    if (dim === 1 || counts(flow, dim) || position === except) continue
    const partner = inputs.map((x) => x?.dims[position - rank + x.rank]).find((d) => d !== undefined && counts(flow, d))
    if (partner === undefined) continue
    const skippedCount = skippedBy(flow, partner, dim)
    if (skippedCount === undefined || (axes.length > 0 && skippedCount !== skipped))
      throw new Refused(
        'TP_TOKEN_AXIS',
        `an axis that holds tokens and something else (${partner}) meets a value that does not follow the tokens`,
        node,
      )
    skipped = skippedCount
    axes.push(axis)
  }
  if (axes.length > 0) takeOperand(flow, node, inputs, i, axes, rank, skipped)
}

/** How many leading tokens an axis omits, where the axis of another value that it meets omits as many. */
export function skippedBy(flow: Flow, partner: Dim, own: Dim): number | undefined {
  const skipped = skippedTokens(flow, partner)
  if (skipped === undefined || skipped === 0) return skipped
  const before = subDims(flow.before, own)
  return typeof before !== 'number' || before === skipped ? skipped : undefined
}

export function takeOperand(
  flow: Flow,
  node: NodeProto,
  inputs: Inputs,
  i: number,
  axes: readonly number[],
  rank: number,
  skipped = 0,
): void {
  const name = node.input[i] as string
  if (flow.edits && flow.changed.has(name)) {
    if (!takeUpstream(flow, name, axes))
      throw new Refused('TP_TOKEN_AXIS', `a value follows the tokens along one axis and not along another`, node)
    inputs[i] = flow.changed.get(name)
    return
  }
  replace(flow, node, inputs, i, flow.take(name, axes, rank, node, skipped))
}
