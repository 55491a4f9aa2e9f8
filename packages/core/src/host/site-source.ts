import type { Tensor } from '../expression/tensor.ts'

/** The values that an encoder provides at one layer. Getters are called only if the method reads them, and may throw a refusal. */
export interface SiteSource {
  readonly layer: number
  readonly layerCount: number
  /** [B,N,D] where tokens can be pruned */
  readonly hidden: Tensor
  /** [B,H,N,Dh] */
  query(): Tensor
  key(): Tensor
  value(): Tensor
  /** Tokens see only earlier ones, and themselves. Absent: all see all. */
  readonly isCausal?: boolean | undefined
  /** [B,H,N,N] */
  attention(): Tensor
  /** [B,N]: what each token receives, where that is known without the probabilities. Absent: it is computed from them. */
  received?(): Tensor
  /** rows int64 [B,Q] or one row for all examples → [B,H,Q,N], computed from queries and keys */
  attentionFrom(rows: Tensor | number): Tensor
  /** Refuses where no input says which tokens are padding. Absent: one does. */
  requireMask?(): void
  /**
   * bool [B,M] over the tokens of the model's input, pruned ones included: which are made from something that carries a signal.
   * Absent: all are.
   */
  signal?(): Tensor
  /** The class token by its index among the real tokens of the model's input, or where it differs from example to example, its index among all: float [B,1] or [1,1]. */
  classToken(): number | Tensor
}
