import { type Model, metadata } from '@tp/onnx'

/** One pruning that a file has gone through. */
export interface PruningStep {
  /** Version of the toolkit. */
  readonly version: string
  readonly method: string
  /** Block number → what stays there. */
  readonly schedule: Readonly<Record<string, { readonly kind: string; readonly value: number }>>
  /** SHA-256 of the file that was pruned, if known. */
  readonly source?: string
  readonly cuts: readonly CutRecord[]
}

/** Where a cut is, by the names of its values in the graph. */
export interface CutRecord {
  readonly block: number
  readonly before: string
  readonly after: string
  readonly indices: string
  /** Rows keep different numbers of tokens, as the data decide. */
  readonly ragged: boolean
}

const KEY = 'tp.pruning'

/** What a file says of the prunings behind it, oldest first. */
export function readProvenance(model: Model): PruningStep[] {
  const text = metadata(model).get(KEY)
  if (text === undefined) return []
  try {
    return JSON.parse(text) as PruningStep[]
  } catch {
    return []
  }
}

/** Names for the token counts that only the data decide, by the values that have so many. */
export function keptNames(cuts: readonly CutRecord[]): ReadonlyMap<string, string> {
  // The indices too: whatever else was gathered by them has as many tokens.
  return new Map(
    cuts
      .filter((cut) => cut.ragged)
      .flatMap((cut) => [cut.after, cut.indices].map((name) => [name, keptName(cut.block)] as const)),
  )
}

/** Size of the token axis behind a block. No size of a file has a name with a prime. */
export function keptName(block: number | string): string {
  return `kept'${block}`
}

export function addProvenance(model: Model, step: PruningStep): void {
  metadata(model).set(KEY, JSON.stringify([...readProvenance(model), step]))
}
