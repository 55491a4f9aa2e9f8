import { type LeftOutLayers, leaveOut, type Plan, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { usageError } from '../command/usage-error.ts'
import { naming } from '../model/refusal-error.ts'
import { layersText, ranges } from '../output/numbers.ts'

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

/** `layer 3 of 6`, `layers 1, 3–4 of 6`, `layer 3 of 6 of input_ids` */
export function leftOutText({ layers, of, encoder }: LeftOutLayers): string {
  const where = encoder === undefined ? '' : ` of ${encoder}`
  return `${layersText(layers, ranges(layers))} of ${of}${where}`
}

/** For what works on all layers of a file. @throws TpError TP_USAGE */
export function refuseLeaveOut({ leaveOut = [], method }: Plan, command: string): void {
  if (leaveOut.length === 0) return
  const seen = `layers are to be left out, and ${command} with ${method} works on all layers of its model`
  throw usageError(`${seen}; give it the file that tp prune --leave-out writes`)
}
