import type { Program } from '../program/program.ts'
import type { Expansion } from './expansion.ts'

/** A model that is being opened: the program, and what was written out of fused operators. */
export interface Opening {
  readonly program: Program
  readonly expansions: Expansion[]
}

/** A pass that brings a model into the form that analysis knows. It computes the same afterwards. */
export interface NormalizePass {
  readonly name: string
  /** @returns true if types and shapes have to be inferred again before the next pass */
  run(opening: Opening): boolean
}

/** Runs passes in their order. */
export function normalize(opening: Opening, passes: readonly NormalizePass[]): void {
  for (const pass of passes) if (pass.run(opening)) opening.program.refresh()
}
