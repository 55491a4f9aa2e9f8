import type { Amount, Method } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { requireNoReturn } from '../analyze/earlier-cuts.ts'
import type { Encoder } from '../analyze/encoder.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'
import { insertAt } from './insert.ts'
import type { Pruning, PruningPass } from './pruning.ts'
import type { Tokens } from './returning.ts'
import { startOf } from './start.ts'

/** Runs the method at each site of the schedule, from the first layer to the last. */
export const insertCuts: PruningPass = {
  name: 'insert cuts',
  requires: ['restore points placed'],
  ensures: ['tokens pruned'],
  run(pruning) {
    const { program, encoder, fixed, schedule, returning, keyBias } = pruning
    const { method, params = () => ({}), trace, protectInput, monitor = false } = pruning.options
    requireUsable(encoder, method)
    const cuts: InsertedCut[] = []
    const ends = endsOf(pruning)
    const start = startOf(program, encoder, { fixed, place: method.place, protectInput })
    let tokens: Tokens = start
    for (let block = encoder.open; block < sitesOf(encoder, method); block++) {
      for (const { place, amount } of visits(method, schedule.get(block))) {
        if (amount !== undefined) tokens = returning.start(returning.comeBack(block, tokens))
        const about = { method, block, place, amount, params: params(block) }
        const options = { ...about, keyBias, ends, scores: trace === 'scores', monitor }
        const inserted = insertAt(program, encoder, { ...options, ...tokens })
        if (inserted.cut) {
          returning.left(tokens, inserted.cut)
          cuts.push(inserted.cut)
        }
        tokens = inserted
      }
    }
    requirePlainCuts(encoder, cuts)
    pruning.cuts = cuts
    pruning.positions = start.places
    return false
  },
}

/** Nodes that no change goes beyond: there all tokens come back. */
export function endsOf({ points, returning }: Pick<Pruning, 'points' | 'returning'>): NodeProto[] {
  return [...points.map(({ node }) => node), ...returning.ends]
}

function requireUsable({ earlier }: Encoder, method: Method): void {
  requireNoReturn(earlier)
  if (earlier === undefined || (method.carry === undefined && !method.returns)) return
  const reason = `${method.name} keeps state from block to block, and would miss the blocks where tokens left before`
  throw new Refused('TP_PRUNED', `${reason}; use it in the first pruning`)
}

function requirePlainCuts({ earlier }: Encoder, cuts: readonly InsertedCut[]): void {
  if (!earlier?.weighted || cuts.every((cut) => cut.size === undefined)) return
  const reason =
    'tokens were merged, or left by a threshold, when this model was pruned before, so now they can only leave'
  throw new Refused('TP_PRUNED', `${reason}; choose a method that does not merge, or prune the file it was made from`)
}

/** How many layers a method may prune tokens at: one that is no block any more has only its input. */
export function sitesOf({ blocks, end }: Encoder, { place }: Method): number {
  return blocks.length + (place === 'input' && end !== undefined ? 1 : 0)
}

interface Visit {
  readonly place: InsertedCut['place']
  readonly amount: Amount | undefined
}

/** Where a method looks at a block, and whether tokens leave there. */
function visits({ place = 'attention', carry }: Method, amount: Amount | undefined): Visit[] {
  const observes = carry !== undefined
  if (place === 'attention') return amount === undefined && !observes ? [] : [{ place, amount }]
  const observed: Visit[] = observes ? [{ place: 'attention', amount: undefined }] : []
  return amount === undefined ? observed : [{ place, amount }, ...observed]
}
