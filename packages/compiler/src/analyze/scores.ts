import type { Tensor } from '@tp/core'
import { apply } from '@tp/core/expression'
import { isHeadReshape } from '../operators/head-reshape.ts'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import type { Attention } from './attention.ts'

/** Where a side operand of the scores meets them. */
export interface SideUse {
  readonly name: string
  /** Axes of the scores there: 4 [b,h,q,k], or 3 [b·h,q,k] or, with one head, [b,q,k]. */
  readonly rank: number
}

/**
 * The nodes from Q·Kᵀ to the softmax again, on other operands. Heads have an axis of their own here, in any layout of the
 * graph: `scores` [b,h,q,k] is the product Q·Kᵀ, sides are aligned to it from the last axis. → [b,h,q,k]
 */
export function replayScores(
  program: Program,
  { chain, probabilities }: Attention,
  scores: Tensor,
  side: (use: SideUse) => Tensor,
): Tensor {
  const computed = new Map<string, Tensor>([[chain[0]?.output[0] as string, scores]])
  for (const node of chain.slice(1)) {
    const [output] = node.output as [string]
    if (isHeadReshape(program, node)) {
      computed.set(output, computed.get(node.input[0] as string) as Tensor)
      continue
    }
    const { rank } = program.tensor(output)
    const inputs = node.input.map((name) => (name === '' ? undefined : (computed.get(name) ?? side({ name, rank }))))
    const { op, attributes } = program.tensor(output).node
    const axes = hasTrait(node, 'softmax') ? { ...attributes, axis: scores.rank - 1 } : attributes
    computed.set(output, apply(op, inputs, axes)[0] as Tensor)
  }
  return computed.get(probabilities) as Tensor
}
