import type { Pass, PassState } from '../program/pass.ts'
import type { Expansion } from './expansion.ts'

/** A model that is being opened: the program, and what was written out of fused operators. */
export interface Opening extends PassState {
  readonly expansions: Expansion[]
}

/** What holds of a model that was opened, so that analysis has one form of everything to look for. */
type NormalForm =
  | 'branches decided'
  | 'fused operators written out'
  | 'heads repeated'
  | 'rows read by index'
  | 'tokens read by example'
  | 'batch first'

/** A pass that brings a model into the form that analysis knows. It computes the same afterwards. */
export type NormalizePass = Pass<Opening, NormalForm>
