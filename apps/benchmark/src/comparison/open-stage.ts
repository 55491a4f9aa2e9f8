import type { OptimizeOptions } from '@tp/optimize'
import type { Files } from '../files.ts'
import type { MeasuredSubject } from '../measure/subject.ts'
import type { Timer } from '../measure/times.ts'
import type { DataSplit } from '../registry/data.ts'
import type { AccuracyCell, CellValues, ComparisonCell, ShiftCell, SpeedCell, TunedCell } from './cell.ts'
import { measureAccuracy, measureShift, measureSpeed, openShifts } from './measure.ts'
import { measureTuned } from './measure-tuned.ts'
import { type ComparedForm, openCompared } from './subjects.ts'

/** Cells whose values do not depend on the machine. */
export type QualityCell = AccuracyCell | ShiftCell

export type QualityValue = CellValues[QualityCell['kind']]

/** Measures cells that share what is open. */
export interface OpenStage {
  quality(cell: QualityCell): Promise<QualityValue>
  speed(cell: SpeedCell, timer: Timer): Promise<CellValues['speed']>
  tuned(cell: TunedCell, onProgress?: OptimizeOptions['onProgress']): Promise<CellValues['tuned']>
}

/** Cells of one stage are measured with the same things open. */
export function stageOf(cell: ComparisonCell): string {
  return [cell.kind, cell.subject, splitOf(cell)].join()
}

/**
 * @param cell one of those that are going to be measured
 * @param examples at most so many of a split
 */
export async function openStage(
  files: Files,
  form: ComparedForm,
  cell: ComparisonCell,
  examples: number,
): Promise<OpenStage> {
  const subject: MeasuredSubject = await openCompared(files, form, splitOf(cell), examples)
  const shifted = cell.kind === 'shift' ? openShifts(form, files, subject, cell) : undefined
  return {
    async quality(own) {
      if (own.kind === 'accuracy') return measureAccuracy(files.runtime, subject, own)
      if (shifted === undefined) throw new Error(`${stageOf(own)} is not of the stage ${stageOf(cell)}`)
      return measureShift(files.runtime, subject, shifted, own)
    },
    speed: (own, timer) => measureSpeed(timer, subject, own),
    tuned: (own, onProgress) => measureTuned(files.runtime, subject, own, onProgress),
  }
}

function splitOf(cell: ComparisonCell): DataSplit {
  if (cell.kind === 'accuracy') return cell.split
  if (cell.kind === 'tuned') return 'calibration'
  return cell.kind === 'speed' && 'split' in cell.at ? cell.at.split : 'test'
}
