import { isTpError, TpError } from '@tp/core'
import type { NodeProto } from '@tp/onnx'

/** Why a model cannot be changed as the caller wants: one plain sentence, and the node that shows it. Plain data, for JSON and other threads. */
export interface Refusal {
  readonly code: `TP_${string}`
  readonly message: string
  readonly node?: string
}

/**
 * A transform refuses a model. `refusal` has the sentence by itself; `message` is the same with `[compiler]` in front.
 * @example
 * try {
 *   return transform(model, prune({ method: clsAttention(), schedule: schedule(6, { keep: 0.7 }) })).model
 * } catch (error) {
 *   if (!isRefused(error)) throw error
 *   console.log(`${error.refusal.message}; the dense model is used`)
 *   return model
 * }
 */
export class Refused extends TpError {
  readonly refusal: Refusal
  /** The node that shows it, where it is a node of the model's own graph. */
  readonly at: NodeProto | undefined

  constructor(code: Refusal['code'], message: string, node?: NodeProto | string) {
    super(code, 'compiler', message)
    this.at = typeof node === 'string' ? undefined : node
    this.refusal = { code, message, ...(node && { node: typeof node === 'string' ? node : nameOf(node) }) }
  }

  /** The same, said of one encoder of several. */
  of(encoder: string): Refused {
    const { code, message, node } = this.refusal
    return new Refused(code, `${encoder}: ${message}; or prune the others alone, each by its name`, node)
  }
}

/** True for a refusal, also when it comes from another copy of `@tp/compiler`. */
export function isRefused(error: unknown): error is Refused {
  return isTpError(error) && typeof (error as Partial<Refused>).refusal === 'object'
}

/**
 * Why work on a model is refused; undefined where it is not.
 * @example
 * const refusal = whyRefused(() => transform(model, pack()))
 * if (refusal !== undefined) console.log(`not packed: ${refusal.message}`)
 */
export function whyRefused(work: () => unknown): Refusal | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (isRefused(error)) return error.refusal
    throw error
  }
}

/** Errors of reading a graph: the model's fault, not that of the options. */
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
  const written = error.code === 'TP_SHAPE' ? '; see that it runs with sizes other than its export had' : ''
  return { code: error.code as Refusal['code'], message: `the graph cannot be followed: ${reasonOf(error)}${written}` }
}

/** Runs work on a model. @throws Refused for whatever is the model's fault; other errors as they are */
export function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refused) throw error
    const { code, message } = refusalOf(error)
    throw new Refused(code, message)
  }
}

/**
 * The errors that engines throw where a recursion goes too deep: patterns are looked for along chains that a file may have
 * made long.
 */
function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion/.test(error.message) && !isTpError(error)
}

/** The message of an error without the name of the package in front. */
export function reasonOf(error: Error): string {
  return error.message.replace(/^\[[^\]]*\] /, '')
}

/** The name of a node in messages, or its computation where it has none. */
export function nameOf(node: NodeProto): string {
  return `${node.name === '' ? (node.output[0] ?? '') : node.name} (${node.opType})`
}
