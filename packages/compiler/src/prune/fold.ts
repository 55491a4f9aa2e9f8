import { dropViews } from '../normalize/batch-first.ts'
import type { Expansion } from '../normalize/expansion.ts'
import { foldBack } from '../normalize/fold-back.ts'
import type { Program } from '../program/program.ts'
import { groupHeads } from './group-heads.ts'

interface FoldOptions {
  /** Whether heads of keys and values that several queries share are read once, also where the file had repeated them (default true). */
  readonly groupHeads?: boolean | undefined
}

/** Takes back what opening a model has made of it and has not been changed since: views, fused operators written out, repeated heads. */
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
