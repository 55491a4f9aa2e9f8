import type { Inspection, Plan, Refusal, Sizes } from '@tp/compiler'
import type { PageWorkerAnswer } from './ask-worker.ts'
import type { DataFiles } from './inline-weights.ts'

/** `open` is the first; each request gets one answer, in order. `plugins`: addresses of modules with more methods. */
export type CompileRequest =
  | { readonly kind: 'open'; readonly model: Uint8Array<ArrayBuffer>; readonly data: DataFiles }
  | { readonly kind: 'count'; readonly sizes: Readonly<Record<string, number>> }
  | { readonly kind: 'prune'; readonly plan: Plan; readonly plugins: readonly string[]; readonly trace: boolean }
  | { readonly kind: 'work'; readonly plan: Plan; readonly plugins: readonly string[]; readonly sizes: Sizes }

export interface CompileRefusal {
  readonly ok: false
  readonly refusal: Refusal
}

/** The results of requests that succeed. */
export interface CompileResults {
  readonly open: Inspection | CompileRefusal
  /** Tokens of one example at these sizes of the model's free axes; undefined where they do not say. */
  readonly count: { readonly ok: true; readonly tokens: number | undefined }
  readonly prune: { readonly ok: true; readonly model: Uint8Array<ArrayBuffer> } | CompileRefusal
  /** Multiply-adds of the pruned model as a share of those of the whole one. */
  readonly work: { readonly ok: true; readonly share: number } | CompileRefusal
}

export type CompileAnswer = PageWorkerAnswer<CompileResults[CompileRequest['kind']]>
