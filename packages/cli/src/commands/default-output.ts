import { lstat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { TpError } from '@tp/core'

/** Where a model is written if no output is named: `model.pruned.onnx` next to `model.onnx`. */
export function defaultOutput(model: string): string {
  return join(dirname(model), `${basename(model, extname(model))}.pruned.onnx`)
}

/** Nobody has named it, so nothing is replaced there. @throws TpError TP_OUTPUT */
export async function refuseExisting(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => undefined)
  if (entry === undefined) return
  const advice = '--force replaces it, and -o OUT writes to another file'
  throw new TpError('TP_OUTPUT', 'tp', `${path} exists already, and -o names no output; ${advice}`)
}
