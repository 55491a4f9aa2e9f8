import { type Amount, cast, contractVersion, initialState, input, type Method, type Schedule, type Tensor, TpError, type Values } from '@tp/core'
import { cloneModel, decodeModel, encodeModel, type Model } from '@tp/onnx'
import type { Block } from './block.ts'
import { eliminateDeadTokens } from './dead-tokens.ts'
import { type Encoder, findEncoder } from './encoder.ts'
import { insertAt, type InsertedCut } from './insert.ts'
import { Program, withEqualSizes } from './program.ts'
import { Refused, type Refusal } from './refusal.ts'

export interface PruneOptions {
  readonly method: Method
  readonly schedule: Schedule
  /** Positions that must stay: found by data flow (`auto`, the default), or given. */
  readonly protect?: 'auto' | readonly number[]
  /** Adds outputs `tp.trace.<block>.indices` and `.valid` that say which tokens stayed. */
  readonly trace?: boolean
  /** Also leaves out, exactly, what no output needs. Default true. */
  readonly deadTokens?: boolean
}

export type PruneResult = { readonly ok: true; readonly model: Model; readonly report: PruneReport } | { readonly ok: false; readonly refusal: Refusal }

export interface PruneReport {
  readonly blocks: number
  readonly cuts: readonly InsertedCut[]
}

export function prune(source: Model, options: PruneOptions): PruneResult {
  try {
    return withEqualSizes(() => {
      const model = cloneModel(source)
      const program = new Program(model)
      const encoder = findEncoder(program)
      const cuts = insertCuts(program, encoder, options)
      const { graph } = options.deadTokens === false ? program : eliminateDeadTokens(program, encoder, cuts)
      graph.removeDeadNodes()
      graph.sortTopologically()
      return { ok: true, model, report: { blocks: encoder.blocks.length, cuts } }
    })
  } catch (error) {
    if (error instanceof Refused) return { ok: false, refusal: error.refusal }
    throw error
  }
}

function insertCuts(program: Program, encoder: Encoder, options: PruneOptions): InsertedCut[] {
  const { method, schedule, protect = 'auto' } = options
  const [first] = encoder.blocks as [Block]
  const hidden = input(first.site, 'float32', ['B', 'N', 'D'])
  const names = new Map<Tensor, string>([[hidden, first.site]])
  let alive: Tensor | undefined
  if (encoder.mask !== undefined) {
    const mask = input(encoder.mask, program.tensor(encoder.mask).dtype, ['B', 'N'])
    names.set(mask, encoder.mask)
    alive = cast(mask, 'bool')
  }
  const cuts: InsertedCut[] = []
  let state = initialState(hidden, alive, protect === 'auto' ? encoder.fixed : protect)
  let known: ReadonlyMap<Tensor, string> = names
  for (const block of encoder.blocks.keys()) {
    const amount: Amount | undefined = schedule.get(block)
    if (amount === undefined && method.carry === undefined) continue
    const inserted = insertAt(program, encoder, { method, block, amount, state, names: known, params: {} })
    state = inserted.state
    known = inserted.names
    if (inserted.cut) cuts.push(inserted.cut)
  }
  return cuts
}
