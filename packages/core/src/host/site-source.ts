import type { Tensor } from '../expression/tensor.ts'

/** What an encoder gives of one layer. Getters are called only if the method looks, and may refuse by throwing. */
export interface SiteSource {
  readonly layer: number
  readonly layerCount: number
  /** [B,N,D] where tokens may leave */
  readonly hidden: Tensor
  /** [B,H,N,Dh] */
  query(): Tensor
  key(): Tensor
  value(): Tensor
  /** [B,H,N,N] */
  attention(): Tensor
  /** rows int64 [B,Q] or one row by number → [B,H,Q,N], computed from queries and keys */
  attentionFrom(rows: Tensor | number): Tensor
  /** The class token by its index in the model's input, where that differs from row to row as float [B,1] or [1,1]. */
  classToken(): number | Tensor
}
