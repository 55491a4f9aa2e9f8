import type { Inspection, Plan, Refusal } from '@tp/compiler'
import type { SentError } from '@tp/core'

/** `open` is the first; each request gets one answer, in order. */
export type CompileRequest =
  | { readonly kind: 'open'; readonly model: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'prune'; readonly plan: Plan; readonly trace: boolean }

export interface Refused {
  readonly ok: false
  readonly refusal: Refusal
}

export interface PrunedFile {
  readonly ok: true
  readonly model: Uint8Array<ArrayBuffer>
}

/** What `open` and `prune` give. */
export interface CompileResults {
  readonly open: Inspection | Refused
  readonly prune: PrunedFile | Refused
}

export type CompileAnswer =
  | { readonly ok: true; readonly value: CompileResults[CompileRequest['kind']] }
  | { readonly ok: false; readonly error: SentError }
