import type { Program } from '../program/program.ts'
import { type CutRecord, type Filling, type PruningStep, type RestoredRecord, stepsOf } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { inputAfter, type Layer } from './layer.ts'
import { sites } from './sites.ts'

/** The parts of earlier prunings of a file on which a further one builds. */
export interface EarlierCuts {
  /** In the order of their layers; at least one. */
  readonly cuts: readonly CutRecord[]
  /** Downstream of it tokens may be pruned again. */
  readonly last: CutRecord
  /** Positions that no earlier cut could take away. */
  readonly protectedTokens: readonly number[]
  readonly restored: EarlierRestored | undefined
  /** Name of a method that brought tokens back between the layers. */
  readonly returning: string | undefined
  /** Fillers or merged tokens: what weighs tokens is in the graph, and cannot be changed any more. */
  readonly weighted: boolean
}

/** Where tokens of earlier prunings are there again. */
interface EarlierRestored {
  /** Where those of the last pruning are restored, with what has all tokens in the end as `to`. */
  readonly points: readonly RestoredRecord[]
  /** The values with all tokens at the end: the stream upstream of the head, or outputs. */
  readonly to: readonly string[]
  readonly filled: Filling | undefined
  /** At the outputs alone. */
  readonly atOutputs: boolean
}

/**
 * A layer after an earlier cut at its input, with the stream that the cut was made in as its input: that one has the tokens
 * of the layer before.
 */
export function withWholeInput(program: Program, layer: Layer): Layer {
  const cut = program.earlier.find(({ site, after }) => site === 'input' && after === layer.input)
  return cut === undefined || !program.graph.has(cut.before) ? layer : { ...layer, input: cut.before }
}

/** The first layers that attend from all tokens to all tokens, or the one whose tokens an earlier cut has taken first. */
export function layersBefore(earlier: EarlierCuts | undefined, layers: readonly Layer[]): readonly Layer[] {
  const [first] = earlier?.cuts ?? []
  if (first === undefined) return layers
  return layers.slice(0, Math.max(1, sites[first.site ?? 'attention'].firstKeys(first.layer)))
}

/**
 * Earlier cuts among the layers of one encoder.
 * @throws Refused TP_PRUNED if the graph is no longer what its record says
 */
export function earlierCuts(program: Program, name: string, layers: readonly Layer[]): EarlierCuts | undefined {
  const steps = stepsOf(program.model, name).filter(({ cuts }) => cuts.length > 0)
  const cuts = steps.flatMap((step) => step.cuts).sort((a, b) => a.layer - b.layer)
  const [first, last] = [steps[0], cuts.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const isThere = (name: string): boolean => program.graph.has(name)
  const end = cuts.some(({ layer }) => layer === layers.length) ? inputAfter(program, layers) : undefined
  const lost = cuts.find(
    ({ layer, site, before, after, indices }) =>
      sites[site ?? 'attention'].stream({ layers, end }, layer) !== before ||
      ![after, indices].every(isThere) ||
      !program.before(after).has(before),
  )
  const restored = restoredBy(steps)
  if (lost !== undefined) throw recordLost(lost)
  if (restored !== undefined && ![...restored.to, ...restored.points.map(({ from }) => from)].every(isThere))
    throw recordLost(last)
  const protectedTokens = first.protectedTokens.filter((position) =>
    steps.every((step) => step.protectedTokens.includes(position)),
  )
  return {
    cuts,
    last,
    protectedTokens,
    restored,
    returning: steps.find(({ returns }) => returns)?.method,
    weighted: cuts.some(({ ragged, merged }) => ragged || merged),
  }
}

/**
 * Refuses to build on the tokens that earlier cuts have kept where others are restored between the layers.
 * @throws Refused TP_PRUNED
 */
export function requireNoReturn(earlier: EarlierCuts | undefined): void {
  if (earlier?.returning === undefined) return
  const reason = `${earlier.returning} brings tokens back between the layers, so that no layer is downstream of all of it`
  throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
}

/** Tokens of the last pruning are restored first, those of the first one last. */
function restoredBy(steps: readonly PruningStep[]): EarlierCuts['restored'] {
  const restoring = steps.filter(({ restored }) => restored !== undefined)
  const [last, first] = [restoring.at(-1)?.restored, restoring[0]]
  if (last === undefined || first?.restored === undefined) return undefined
  // The rows that one pruning has restored are those from which the one before it restores.
  const whole = (to: string): string =>
    restoring.reduceRight((name, step) => step.restored?.find(({ from }) => from === name)?.to ?? name, to)
  const points = last.map((point) => ({ ...point, to: whole(point.to) }))
  const { filled } = first
  const atOutputs = filled === 'mean' || first.atOutputs === true
  // Hidden states between the layers come before the last point; outputs are next to each other.
  const ends = atOutputs ? first.restored : first.restored.slice(-1)
  return { points, to: ends.map(({ to }) => to), filled, atOutputs }
}

export function recordLost({ layer }: CutRecord): Refused {
  const seen = `tokens are pruned at layer ${layer}, and the graph is not the one that its record of this describes`
  return new Refused('TP_PRUNED', `${seen}; prune the file it was made from`)
}
