import type { NodeProto } from '@tp/onnx'

/** Why a model cannot be pruned: a value, not an exception. One plain sentence, and the node that shows it. */
export interface Refusal {
  readonly code: `TP_${string}`
  readonly message: string
  readonly node?: string
}

/** Carries a refusal out of the depths of an analysis; never leaves the package. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(code: Refusal['code'], message: string, node?: NodeProto) {
    super(message)
    this.refusal = { code, message, ...(node && { node: nameOf(node) }) }
  }
}

/** What a node is called in messages: its name, or what it computes where it has none. */
export function nameOf(node: NodeProto): string {
  return `${node.name === '' ? (node.output[0] ?? '') : node.name} (${node.opType})`
}
