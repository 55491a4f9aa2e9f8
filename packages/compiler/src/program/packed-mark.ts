import { type Model, metadata } from '@tp/onnx'
import { Refused } from './refusal.ts'
import { version } from './version.ts'

/** In `metadata_props`: which runtime a file needs. */
const KEY = 'tp.packed'

/** True for a file that only `@tp/runtime-native` runs. */
export function isPacked(model: Model): boolean {
  return metadata(model).get(KEY) !== undefined
}

/** @throws Refused TP_PACKED */
export function requireUnpacked(model: Model, advice = 'work on the file it was made from'): void {
  if (isPacked(model)) throw new Refused('TP_PACKED', `the model is packed already; ${advice}, and pack the result`)
}

export function markPacked(model: Model): void {
  metadata(model).set(KEY, JSON.stringify({ version, runtime: '@tp/runtime-native' }))
}
