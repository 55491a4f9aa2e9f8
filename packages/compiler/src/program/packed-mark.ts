import { type Model, metadata } from '@tp/onnx'
import { version } from './version.ts'

/** In `metadata_props`: which runtime a file needs. */
const KEY = 'tp.packed'

/** True for a file that only `@tp/runtime-native` runs. */
export function isPacked(model: Model): boolean {
  return metadata(model).get(KEY) !== undefined
}

export function markPacked(model: Model): void {
  metadata(model).set(KEY, JSON.stringify({ version, runtime: '@tp/runtime-native' }))
}
