import { leaveOut, type Plan, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { usageError } from '../arguments/usage-error.ts'
import { naming } from '../model/refusal-error.ts'

/**
 * A file as its tokens are pruned: without the layers that a plan leaves out.
 * @throws RefusalError; TpError TP_LAYERS, TP_ENCODER
 */
export function withoutItsLayers(
  file: ModelFile,
  { leaveOut: layers = [], encoder }: Pick<Plan, 'leaveOut' | 'encoder'>,
): ModelFile {
  if (layers.length === 0) return file
  const { model } = naming(file.path, () => transform(file.model, leaveOut({ layers, encoder })))
  return { ...file, model }
}

/** For what works on all layers of a file. @throws TpError TP_USAGE */
export function refuseLeaveOut({ leaveOut = [], method }: Plan, command: string): void {
  if (leaveOut.length === 0) return
  const seen = `layers are to be left out, and ${command} with ${method} works on all layers of its model`
  throw usageError(`${seen}; give it the file that tp prune --leave-out writes`)
}
