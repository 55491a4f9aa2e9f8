import { basename } from 'node:path'
import { isRefused, type Refusal } from '@tp/compiler'
import { TpError } from '@tp/core'

/** The compiler's refusal of a model, on its way to the end of the command: exit code 4. */
export class RefusalError extends TpError {
  readonly refusal: Refusal
  /** The message for people who do not look at the graph. */
  readonly messageWithoutNode: string

  constructor(path: string, refusal: Refusal) {
    const { code, message, node } = refusal
    super(code, 'compiler', `${basename(path)}: ${message}${node === undefined ? '' : ` (node ${node})`}.`)
    this.refusal = refusal
    this.messageWithoutNode = node === undefined ? this.message : this.message.replace(` (node ${node})`, '')
  }
}

/** An error of work on a file, whose refusal names the file. */
export function naming(path: string, error: unknown): unknown {
  return isRefused(error) && !(error instanceof RefusalError) ? new RefusalError(path, error.refusal) : error
}
