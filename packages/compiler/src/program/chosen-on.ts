import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'
import { version } from './version.ts'

/** Examples that had a part in one step of making a file. */
interface ChosenOn {
  /** Version of the toolkit. */
  readonly version: string
  /** As `Plan.chosenOn`. */
  readonly chosenOn: string
}

const KEY = 'tp.chosen-on'

/** The marks of the examples that had a part in making a file, a text of them for each step; as `Plan.chosenOn`. */
export function readChosenOn(model: Model): string[] {
  return readRecords(model, KEY, isChosenOn).map(({ chosenOn }) => chosenOn)
}

/** @param chosenOn marks of examples that chose a plan, that weights learned from, or that decided what was changed; '' for none */
export function addChosenOn(model: Model, chosenOn: string): void {
  if (chosenOn === '') return
  writeRecords(model, KEY, [...readRecords(model, KEY, isChosenOn), { version, chosenOn }])
}

function isChosenOn(record: unknown): record is ChosenOn {
  const { version, chosenOn } = (record ?? {}) as Partial<ChosenOn>
  return typeof version === 'string' && typeof chosenOn === 'string'
}
