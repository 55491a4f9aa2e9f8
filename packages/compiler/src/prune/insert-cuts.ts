import type { Amount, Method } from '@tp/core'
import { wholeAmount } from '@tp/core/host'
import type { NodeProto } from '@tp/onnx'
import { requireNoReturn } from '../analyze/earlier-cuts.ts'
import type { Encoder } from '../analyze/encoder.ts'
import type { SiteName } from '../analyze/sites.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'
import { insertAt } from './insert.ts'
import { protectedSegmentOf } from './protected-segment.ts'
import { PRUNE_DEFAULTS } from './prune-options.ts'
import type { Pruning } from './pruning.ts'
import { requireHiddenPadding } from './require-hidden-padding.ts'
import type { Tokens } from './returning.ts'
import { separateCounts } from './separate-counts.ts'
import { startOf } from './start.ts'

/** Runs the method at each site of the schedule, from the first layer to the last. */
export function insertCuts(pruning: Pruning): void {
  const { program, encoder, protectedTokens, schedule, cutLayers, returning, keyBias } = pruning
  const { method, params = () => ({}), restore, trace, monitor = PRUNE_DEFAULTS.monitor } = pruning.options
  const segment = protectedSegmentOf(pruning.options)
  const before = cutLayers.size === 0 ? undefined : method.before
  requireUsable(encoder, method, before)
  const cuts: InsertedCut[] = []
  const ends = endsOf(pruning)
  const follows = headReadsKept(pruning) && returning.ends.length === 0
  const separated = separateCounts(program, encoder.poolCounts)
  const counts = separated.filter(({ obstacle }) => follows || obstacle === 'layer')
  pruning.encoder = { ...encoder, poolCounts: separated }
  // Between the layers a token has the state that it had.
  const restores = pruning.fill === 'state' && pruning.points.some(({ before }) => before === encoder.layers.length)
  const merges = (pruning.fill === 'nearest' || restore === 'weighed') && encoder.earlier === undefined
  const site = before === undefined ? method.site : 'input'
  const start = startOf(program, encoder, { protectedTokens, site, segment })
  let tokens: Tokens = start
  for (let layer = encoder.open; layer < sitesOf(encoder, method); layer++) {
    for (const visit of [
      ...(layer === encoder.open ? visitBefore(before) : []),
      ...visits(method, schedule.get(layer)),
    ]) {
      const { amount } = visit
      if (amount !== undefined) tokens = returning.start(returning.comeBack(layer, tokens))
      // Trained values are those of the method that follows the schedule, not of one before it.
      const about = { ...visit, layer, params: visit.method === method.before ? {} : params(layer) }
      const options = { ...about, keyBias, ends, counts, restores, merges, scores: trace === 'scores', monitor }
      const inserted = insertAt(program, encoder, { ...options, ...tokens })
      if (inserted.cut) {
        if (visit.method.lossless) requireHiddenPadding(program, visit.method, inserted.cut)
        returning.pruned(tokens, inserted.cut)
        cuts.push(inserted.cut)
      }
      tokens = inserted
    }
  }
  requirePlainCuts(encoder, cuts)
  pruning.cuts = cuts
  pruning.positions = start.positions
}

/** Whether what follows the layers sees kept tokens only: none are restored, or they are at the outputs. */
export function headReadsKept({ points, atOutputs }: Pick<Pruning, 'points' | 'atOutputs'>): boolean {
  return points.length === 0 || atOutputs
}

/** Nodes that no change goes beyond: there all tokens are restored. */
export function endsOf({ points, returning }: Pick<Pruning, 'points' | 'returning'>): NodeProto[] {
  return [...points.map(({ node }) => node), ...returning.ends]
}

function requireUsable({ earlier }: Encoder, method: Method, before: Method | undefined): void {
  requireNoReturn(earlier)
  if (earlier !== undefined && before !== undefined) {
    const reason = `${before.name} looks at the input of the first layer, and tokens were pruned before`
    throw new Refused('TP_PRUNED', `${reason}; use it in the first pruning`)
  }
  if (earlier === undefined || (method.carry === undefined && !method.returns)) return
  const reason = `${method.name} keeps state from layer to layer, and would miss the layers where tokens were pruned before`
  throw new Refused('TP_PRUNED', `${reason}; use it in the first pruning`)
}

function requirePlainCuts({ earlier }: Encoder, cuts: readonly InsertedCut[]): void {
  if (!earlier?.weighted || cuts.every((cut) => cut.size === undefined)) return
  const reason =
    'tokens were merged, or pruned by a threshold, when this model was pruned before, so now they can only be dropped'
  throw new Refused('TP_PRUNED', `${reason}; choose a method that does not merge, or prune the file it was made from`)
}

/** How many layers a method may prune tokens at: one that is no layer any more has only its input. */
export function sitesOf({ layers, end }: Encoder, { site }: Method): number {
  return layers.length + (site === 'input' && end !== undefined ? 1 : 0)
}

/** One look of a method at a site. Several methods that act one after the other are several visits. */
interface Visit {
  readonly method: Method
  readonly site: SiteName
  readonly amount: Amount | undefined
}

/** The effect, at the first layer, of a method that acts before another. */
function visitBefore(before: Method | undefined): Visit[] {
  return before === undefined ? [] : [{ method: before, site: 'input', amount: wholeAmount }]
}

/** Where a method looks at a layer, and whether tokens are pruned there. */
function visits(method: Method, amount: Amount | undefined): Visit[] {
  const { site = 'attention' } = method
  const observes = method.carry !== undefined
  if (site === 'attention') return amount === undefined && !observes ? [] : [{ method, site, amount }]
  const observed: Visit[] = observes ? [{ method, site: 'attention', amount: undefined }] : []
  return amount === undefined ? observed : [{ method, site, amount }, ...observed]
}
