import { isTpError } from '@tp/core'
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
  /** The node that shows it. */
  readonly at: NodeProto | undefined

  constructor(code: Refusal['code'], message: string, node?: NodeProto | string) {
    super(message)
    this.at = typeof node === 'string' ? undefined : node
    this.refusal = { code, message, ...(node && { node: typeof node === 'string' ? node : nameOf(node) }) }
  }

  /** The same, said of one encoder of several. */
  of(encoder: string): Refused {
    const { code, message, node } = this.refusal
    return new Refused(code, `${encoder}: ${message}; or prune the others alone, each by its name`, node)
  }
}

/** What reading a graph can fail with: the model's fault, not that of the options. */
const modelProblems: ReadonlySet<string> = new Set([
  'TP_AXIS',
  'TP_CYCLE',
  'TP_EXTERNAL',
  'TP_NAME',
  'TP_OPSET',
  'TP_SHAPE',
  'TP_TENSOR',
  'TP_TOO_COMPLEX',
  'TP_UNKNOWN_SHAPE',
  'TP_VALUE',
])

/** The refusal that an exception stands for; any other exception is thrown again. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal
  if (isStackOverflow(error)) {
    const message = 'operators follow each other in a chain that is too long to be followed; fold or shorten it'
    return { code: 'TP_TOO_COMPLEX', message }
  }
  if (!isTpError(error) || !modelProblems.has(error.code)) throw error
  return { code: error.code as Refusal['code'], message: `the graph cannot be followed: ${reasonOf(error)}` }
}

/** What engines throw where a recursion goes too deep: patterns are looked for along chains that a file may have made long. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion/.test(error.message) && !isTpError(error)
}

/** The message of an error without the name of the package in front. */
export function reasonOf(error: Error): string {
  return error.message.replace(/^\[[^\]]*\] /, '')
}

/** What a node is called in messages: its name, or what it computes where it has none. */
export function nameOf(node: NodeProto): string {
  return `${node.name === '' ? (node.output[0] ?? '') : node.name} (${node.opType})`
}
