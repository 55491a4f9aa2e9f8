import type { Program } from '../program/program.ts'
import { type CutRecord, type PruningStep, type RestoredRecord, stepsOf } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { type Block, inputAfter } from './layer.ts'

/** What prunings that a file has gone through have left for a further one to build on. */
export interface EarlierCuts {
  /** In the order of their blocks; at least one. */
  readonly cuts: readonly CutRecord[]
  /** Behind it tokens may leave again. */
  readonly last: CutRecord
  /** Positions that no earlier cut could take away. */
  readonly fixed: readonly number[]
  /** Where tokens of the last pruning come back, and where all of them are there again, in front of the head. */
  readonly restored: { readonly points: readonly RestoredRecord[]; readonly to: string } | undefined
  /** Name of a method that brought tokens back between the blocks. */
  readonly returning: string | undefined
  /** Fillers or merged tokens: what weighs tokens is in the graph, and cannot be changed any more. */
  readonly weighted: boolean
}

/**
 * A block behind an earlier cut at its input, with the stream that the cut was made in as its input: that one has the tokens
 * of the block before.
 */
export function withWholeInput(program: Program, block: Block): Block {
  const cut = program.earlier.find(({ place, after }) => place === 'input' && after === block.input)
  return cut === undefined || !program.graph.has(cut.before) ? block : { ...block, input: cut.before }
}

/** The first blocks that attend from all tokens to all tokens, or the one whose tokens an earlier cut has taken first. */
export function blocksBefore(earlier: EarlierCuts | undefined, blocks: readonly Block[]): readonly Block[] {
  const [first] = earlier?.cuts ?? []
  if (first === undefined) return blocks
  return blocks.slice(0, Math.max(1, first.place === 'input' ? first.block : first.block + 1))
}

/**
 * Earlier cuts among the blocks of one encoder.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function earlierCuts(program: Program, name: string, blocks: readonly Block[]): EarlierCuts | undefined {
  const steps = stepsOf(program.model, name).filter(({ cuts }) => cuts.length > 0)
  const cuts = steps.flatMap((step) => step.cuts).sort((a, b) => a.block - b.block)
  const [first, last] = [steps[0], cuts.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const isThere = (name: string): boolean => program.graph.has(name)
  const lost = cuts.find(
    ({ block, place, before, after, indices }) =>
      (block === blocks.length && place === 'input'
        ? inputAfter(program, blocks)
        : blocks[block]?.[place ?? 'site']) !== before ||
      ![after, indices].every(isThere) ||
      !program.before(after).has(before),
  )
  const restored = restoredBy(steps)
  if (lost !== undefined) throw recordLost(lost)
  if (restored !== undefined && ![restored.to, ...restored.points.map(({ from }) => from)].every(isThere))
    throw recordLost(last)
  const fixed = first.fixed.filter((position) => steps.every((step) => step.fixed.includes(position)))
  return {
    cuts,
    last,
    fixed,
    restored,
    returning: steps.find(({ returns }) => returns)?.method,
    weighted: cuts.some(({ ragged, merged }) => ragged || merged),
  }
}

/**
 * What builds on the tokens that earlier cuts have kept cannot where these come back between the blocks.
 * @throws Refused TP_PRUNED
 */
export function requireNoReturn(earlier: EarlierCuts | undefined): void {
  if (earlier?.returning === undefined) return
  const reason = `${earlier.returning} brings tokens back between the blocks, so that no block is behind all of it`
  throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
}

/** Tokens of the last pruning come back first, those of the first one last. */
function restoredBy(steps: readonly PruningStep[]): EarlierCuts['restored'] {
  const restoring = steps.flatMap(({ restored }) => (restored === undefined ? [] : [restored]))
  const [points, to] = [restoring.at(-1), restoring[0]?.at(-1)?.to]
  return points === undefined || to === undefined ? undefined : { points, to }
}

export function recordLost({ block }: CutRecord): Refused {
  const seen = `tokens leave this model at block ${block}, and the graph is not the one that its record of this describes`
  return new Refused('TP_PRUNED', `${seen}; prune the file it was made from`)
}
