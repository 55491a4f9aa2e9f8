import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'

const KEY = 'tp.chosen-on'

/** The marks of the examples that had a part in making a file, a text of them for each step; as `Plan.chosenOn`. */
export function readChosenOn(model: Model): string[] {
  return readRecords(model, KEY, (record) => typeof record === 'string')
}

/** @param chosenOn marks of examples that chose a plan, that weights learned from, or that decided what was changed; '' for none */
export function addChosenOn(model: Model, chosenOn: string): void {
  if (chosenOn !== '') writeRecords(model, KEY, [...readChosenOn(model), chosenOn])
}
