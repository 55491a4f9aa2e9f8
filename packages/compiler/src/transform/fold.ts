import { dropViews } from '../normalize/batch-first.ts'
import type { Expansion } from '../normalize/expansion.ts'
import { foldBack } from '../normalize/fold-back.ts'
import type { Program } from '../program/program.ts'
import type { PruningPass } from './pruning.ts'

/** Takes back what opening the model has made of it and pruning has not changed: views, and fused operators written out. */
export const foldOperators: PruningPass = {
  name: 'fold back',
  requires: ['dead tokens eliminated'],
  ensures: ['fused operators folded back'],
  run({ program, expansions }) {
    foldOpened(program, expansions)
    return false
  },
}

/** The same of any program. */
export function foldOpened(program: Program, expansions: readonly Expansion[]): void {
  dropViews(program)
  foldBack(program, expansions)
  program.graph.sortTopologically()
}
