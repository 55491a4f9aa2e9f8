import { createHash } from 'node:crypto'
import { shapeText, type TimedShape } from '../measure/times.ts'
import type { DataSplit } from '../registry/data.ts'
import { type PrunedSetting, type Setting, settingKey } from '../registry/settings.ts'

/** Right answers of one setting on one split. */
export interface AccuracyCell {
  readonly kind: 'accuracy'
  readonly subject: string
  readonly split: DataSplit
  readonly setting: Setting
  /** At most so many examples. */
  readonly examples: number
}

/** Times of several settings in turns; the first is what the others are compared with. */
export interface SpeedCell {
  readonly kind: 'speed'
  readonly subject: string
  readonly name: string
  readonly runtime: 'node' | 'wasm'
  /** One by one at their own lengths (some of a split's examples), or batches of one shape. */
  readonly at: { readonly split: DataSplit; readonly examples: number } | TimedShape
  readonly candidates: readonly Setting[]
  readonly budgetMs: number
}

/** Right answers of one setting on data that are not like those it was chosen on. */
export interface ShiftCell {
  readonly kind: 'shift'
  readonly subject: string
  readonly setting: Setting
  readonly examples: number
  /** For each shift. */
  readonly severity: number
}

/** The choices of tuning on calibration data, by times of its own. */
export interface TunedCell {
  readonly kind: 'tuned'
  readonly subject: string
  /** To choose from. */
  readonly methods: readonly string[]
  /** Points that may be lost. */
  readonly maxLoss: number
  /** At most so many examples. */
  readonly examples: number
}

/** One thing to measure: plain data, which another process and a file can hold. */
export type ComparisonCell = AccuracyCell | SpeedCell | ShiftCell | TunedCell

/** Cells whose values depend on the machine. */
type TimedCell = SpeedCell | TunedCell

export interface AccuracyValue {
  /** Percent. */
  readonly accuracy: number
  /** One character an example: its class in base 36, and whether that is right. */
  readonly answers: string
  readonly correct: string
  /** Keep ratio at each layer's FFN; absent where layers are left out. */
  readonly kept?: readonly number[]
  /** Multiply-adds for all examples, one by one. */
  readonly flops: number
  /** The length that a text was cut to. */
  readonly maxTokens?: number
}

export interface SpeedValue {
  /** By candidate: time for all inputs once, by round, and of one run, in ms. */
  readonly candidates: readonly {
    readonly roundsMs: readonly number[]
    readonly p50Ms: number
    readonly p90Ms: number
  }[]
}

export interface ShiftValue {
  /** Unshifted test data first. */
  readonly sets: readonly ShiftedAnswers[]
}

export interface TunedValue {
  /** Undefined where nothing that is faster holds. */
  readonly setting?: PrunedSetting
}

interface ShiftedAnswers {
  readonly name: string
  readonly correct: string
  /** Test examples that they were made from, if not all of them; of data from elsewhere none. */
  readonly examples?: readonly number[]
  /** The model is given the same as without the shift. */
  readonly unchanged: boolean
}

export interface CellValues {
  readonly accuracy: AccuracyValue
  readonly speed: SpeedValue
  readonly shift: ShiftValue
  readonly tuned: TunedValue
}

/** Names a cell in files and on the command line; parts are separated by slashes. */
export function cellKey(cell: ComparisonCell): string {
  switch (cell.kind) {
    case 'accuracy':
      return `accuracy/${cell.subject}/${cell.split}/${settingKey(cell.setting)}`
    case 'speed':
      return `speed/${cell.subject}/${cell.runtime}/${cell.name}/${'split' in cell.at ? cell.at.split : shapeText(cell.at)}`
    case 'shift':
      return `shift/${cell.subject}/${settingKey(cell.setting)}`
    case 'tuned':
      return `tuned/${cell.subject}/within-${cell.maxLoss}`
  }
}

/** Times, and what is chosen by them, are of one machine. */
export function isTimed(cell: ComparisonCell): cell is TimedCell {
  return cell.kind === 'speed' || cell.kind === 'tuned'
}

/**
 * Everything that a result depends on besides the program: the cell with all its settings, the model's files and, for times, the
 * machine. A result with another hash is measured again.
 */
export function cellHash(cell: ComparisonCell, files: string, machine: string): string {
  const about = JSON.stringify([cell, files, isTimed(cell) ? machine : ''])
  return createHash('sha256').update(about).digest('hex').slice(0, 16)
}
