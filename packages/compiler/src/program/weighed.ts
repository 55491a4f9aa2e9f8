import type { Model } from '@tp/onnx'
import { readProvenance } from './provenance.ts'
import { readRecords, writeRecords } from './records.ts'
import { version } from './version.ts'

/** A decoder adds a channel of the states that it reads to the scores of its attentions to them. */
interface WeighingRecord {
  /** Version of the toolkit. */
  readonly version: string
  readonly channel: number
}

const KEY = 'tp.weighed'

/** The channel by which a decoder weighs states; undefined for one that does not. */
export function readsWeights(model: Model): number | undefined {
  return readRecords(model, KEY, isRecord).at(-1)?.channel
}

/** The channel in which the states of an encoder say how many tokens each stands for; undefined where they do not. */
export function weighedChannel(model: Model): number | undefined {
  return readProvenance(model).findLast(({ weighed }) => weighed !== undefined)?.weighed?.channel
}

export function addWeighing(model: Model, channel: number): void {
  writeRecords(model, KEY, [{ version, channel }])
}

function isRecord(record: unknown): record is WeighingRecord {
  const { version, channel } = (record ?? {}) as Partial<WeighingRecord>
  return typeof version === 'string' && Number.isInteger(channel)
}
