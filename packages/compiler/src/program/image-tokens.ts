import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'
import { version } from './version.ts'

/** Which image tokens a vision encoder hands over. */
export interface ImageTokens {
  /** Version of the toolkit. */
  readonly version: string
  readonly method: string
  /** How many of each image are handed over … */
  readonly tokens: number
  /** … of so many. */
  readonly of: number
  readonly output: string
}

const KEY = 'tp.imageTokens'

/** The record of the image tokens that a file hands over; undefined where it hands over all. */
export function readImageTokens(model: Model): ImageTokens | undefined {
  return readRecords(model, KEY, isImageTokens).at(-1)
}

export function addImageTokens(model: Model, record: Omit<ImageTokens, 'version'>): void {
  writeRecords(model, KEY, [...readRecords(model, KEY, isImageTokens), { version, ...record }])
}

function isImageTokens(record: unknown): record is ImageTokens {
  const { version, method, tokens, of, output } = (record ?? {}) as Partial<ImageTokens>
  return (
    [version, method, output].every((text) => typeof text === 'string') &&
    [tokens, of].every((count) => Number.isInteger(count))
  )
}
