import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'
import { version } from './version.ts'

/** Layers that a file was made without. */
export interface LeftOutLayers {
  /** Version of the toolkit. */
  readonly version: string
  /** Which encoder they were of, in a file that holds several. */
  readonly encoder?: string
  /** Their numbers, from 0, in the file that they were left out of, ascending … */
  readonly layers: readonly number[]
  /** … and how many layers the encoder had there. */
  readonly of: number
}

const KEY = 'tp.left-out'

/** The records of the layers that a file was made without, oldest first. */
export function readLeftOut(model: Model): LeftOutLayers[] {
  return readRecords(model, KEY, isRecordOfLayers)
}

export function addLeftOut(model: Model, record: Omit<LeftOutLayers, 'version'>): void {
  writeRecords(model, KEY, [...readLeftOut(model), { version, ...record }])
}

function isRecordOfLayers(record: unknown): record is LeftOutLayers {
  const { version, encoder, layers, of } = (record ?? {}) as Partial<LeftOutLayers>
  return (
    [version, encoder ?? ''].every((text) => typeof text === 'string') &&
    Array.isArray(layers) &&
    [...layers, of].every(Number.isInteger)
  )
}
