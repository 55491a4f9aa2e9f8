import { dropViews } from '../normalize/batch-first.ts'
import type { Expansion } from '../normalize/expansion.ts'
import { foldBack } from '../normalize/fold-back.ts'
import type { Program } from '../program/program.ts'
import { groupHeads } from './group-heads.ts'
import type { Pruning } from './pruning.ts'

/** Takes back what opening the model has made of it and pruning has not changed: views, fused operators written out, repeated heads. */
export function foldOperators({ program, expansions }: Pruning): void {
  foldOpened(program, expansions)
}

interface FoldOptions {
  /** Whether heads of keys and values that several queries share are read once, also where the file had repeated them (default true). */
  readonly groupHeads?: boolean | undefined
}

/** The same of any program. */
export function foldOpened(
  program: Program,
  expansions: readonly Expansion[],
  { groupHeads: isGrouped = true }: FoldOptions = {},
): void {
  dropViews(program)
  foldBack(program, expansions)
  program.graph.sortTopologically()
  if (isGrouped) groupHeads(program)
}
