import { type Model, metadata } from '@tp/onnx'
import { Refused } from './refusal.ts'
import { version } from './version.ts'

/** In `metadata_props` of packed files. */
const KEY = 'tp.packed'

/** True for a file whose tokens are computed without padding. */
export function isPacked(model: Model): boolean {
  return metadata(model).get(KEY) !== undefined
}

/** @throws Refused TP_PACK */
export function requireUnpacked(model: Model): void {
  if (!isPacked(model)) return
  throw new Refused(
    'TP_PACK',
    'the model is packed already; change the file that it was made from, and pack the result',
  )
}

export function markPacked(model: Model): void {
  metadata(model).set(KEY, JSON.stringify({ version }))
}
