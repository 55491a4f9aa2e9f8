import type { NamedTensors, SentError } from '@tp/core'

/** What the parent asks of the child that runs a model; one at a time, each gets one answer. */
export type Request =
  | { readonly kind: 'load'; readonly runtime: string; readonly path: string }
  | { readonly kind: 'run'; readonly inputs: NamedTensors }

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: SentError }

/** What the thread that watches over the child's memory is told. */
export interface Watch {
  /** Bytes that the process may take. */
  readonly most: number
  /** Process that waits for the child's answers. */
  readonly parent: number
}
