import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'

/** One pruning that a file has gone through. */
export interface PruningStep {
  /** Version of the toolkit. */
  readonly version: string
  readonly method: string
  /** Which encoder, in a file that holds several. */
  readonly encoder?: string
  /** How many the encoder had. Dead-token elimination may have left no layer to find of the last one. */
  readonly layerCount: number
  /** Layer number → how many tokens are kept there. */
  readonly schedule: Readonly<Record<string, { readonly kind: string; readonly value: number }>>
  /** SHA-256 of the file that was pruned, if known. */
  readonly source?: string
  /** Positions that were protected. */
  readonly protectedTokens: readonly number[]
  /** Number of the segment that was protected as a whole. */
  readonly protectedSegment?: number
  readonly cuts: readonly CutRecord[]
  /** Tokens are restored between the layers. */
  readonly returns?: true
  /** Where removed tokens are restored, the last one upstream of the head; absent where they are not. */
  readonly restored?: readonly RestoredRecord[]
  /**
   * The rows that stand for removed tokens there: the mean of the kept ones, always at outputs; or the nearest of them, at outputs or
   * upstream of the head. Absent: the state that they had.
   */
  readonly filled?: Filling
  /** They are restored at the outputs alone. A mean always is. */
  readonly atOutputs?: true
  /** An output of states says in one channel how many tokens each row stands for. */
  readonly weighed?: WeighedRecord
}

/** The states [b,k,D] without weights, the output with them, and their channel. */
export interface WeighedRecord {
  readonly states: string
  readonly output: string
  readonly channel: number
}

/** The rows that stand for pruned tokens where they are restored, if it is not the state that they had. */
export type Filling = 'mean' | 'nearest'

/** Where a cut is, by the names of its values in the graph. */
export interface CutRecord {
  readonly layer: number
  /** At the layer's input; absent: after its attention. */
  readonly site?: 'input'
  readonly before: string
  readonly after: string
  readonly indices: string
  /** Rows keep different numbers of tokens, as the data decide. */
  readonly ragged: boolean
  /** bool [b,k] which slots hold kept tokens, where the model's own mask does not say it */
  readonly valid?: string
  /** float [b,k] what is added to the scores of the kept tokens' keys, if anything is */
  readonly keyBias?: string
  /** Tokens were merged here or before. */
  readonly merged: boolean
  /** float [b,k] how many tokens each kept one stands for, where they were merged */
  readonly size?: string
}

/** Where removed tokens are restored, by the names of the values before and after, and the layer downstream of it. */
export interface RestoredRecord {
  readonly from: string
  readonly to: string
  readonly before: number
}

const KEY = 'tp.pruning'

/** The records of a file's earlier prunings, oldest first. */
export function readProvenance(model: Model): PruningStep[] {
  return readRecords(model, KEY, isStep)
}

/** Prunings of one encoder. */
export function stepsOf(model: Model, name: string): PruningStep[] {
  return readProvenance(model).filter(({ encoder }) => encoder === undefined || encoder === name)
}

function isStep(step: unknown): step is PruningStep {
  const { version, method, layerCount, schedule, protectedTokens, cuts, restored } = (step ??
    {}) as Partial<PruningStep>
  const isRecord = (cut: Partial<CutRecord> | null): boolean =>
    Number.isInteger(cut?.layer) && [cut?.before, cut?.after, cut?.indices].every((name) => typeof name === 'string')
  const isRestored = (point: Partial<RestoredRecord> | null): boolean =>
    Number.isInteger(point?.before) && [point?.from, point?.to].every((name) => typeof name === 'string')
  return (
    [version, method].every((text) => typeof text === 'string') &&
    Number.isInteger(layerCount) &&
    typeof schedule === 'object' &&
    schedule !== null &&
    Array.isArray(protectedTokens) &&
    Array.isArray(cuts) &&
    cuts.every(isRecord) &&
    (restored === undefined || (Array.isArray(restored) && restored.length > 0 && restored.every(isRestored)))
  )
}

interface Counted extends Pick<CutRecord, 'layer' | 'after' | 'indices' | 'ragged'> {
  readonly site?: 'attention' | 'input'
  readonly valid?: string | undefined
}
interface CountedStep {
  readonly encoder?: string
  readonly cuts: readonly Counted[]
}

/** Names for the token counts that only the data decide, by the values with these counts. */
export function keptNames(steps: readonly CountedStep[]): ReadonlyMap<string, string> {
  return namesOf(steps, ({ ragged }) => ragged)
}

/** Names for the token counts downstream of every cut, by the values with these counts. */
export function countNames(steps: readonly CountedStep[]): ReadonlyMap<string, string> {
  return namesOf(steps, () => true)
}

function namesOf(steps: readonly CountedStep[], isNamed: (cut: Counted) => boolean): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { cuts, encoder } of steps) {
    for (const cut of cuts.filter(isNamed)) {
      const { layer, after, indices, valid } = cut
      // The indices too: whatever else was gathered by them has as many tokens.
      for (const value of [after, indices, ...(valid === undefined ? [] : [valid])])
        names.set(value, keptName(isFirstOfTwo(cut, cuts) ? `${layer}i` : layer, encoder))
    }
  }
  return names
}

/** Whether tokens are pruned twice in a layer, by a cut at its input and by one after its attention, and this is the former. */
export function isFirstOfTwo<T extends { readonly layer: number; readonly site?: string }>(
  cut: T,
  cuts: readonly T[],
): boolean {
  return cut.site === 'input' && cuts.some((other) => other !== cut && other.layer === cut.layer)
}

/** Size of the token axis downstream of a layer. No size of a file has a name with a prime. */
export function keptName(layer: number | string, encoder?: string): string {
  return encoder === undefined ? `kept'${layer}` : `kept'${layer}'${encoder.replaceAll(/\W/g, '_')}`
}

export function addProvenance(model: Model, step: PruningStep): void {
  writeRecords(model, KEY, [...readProvenance(model), step])
}
