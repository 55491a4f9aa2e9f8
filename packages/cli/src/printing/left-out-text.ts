import type { LeftOutLayers } from '@tp/compiler'
import { layersText, ranges } from './numbers.ts'

/** `layer 3 of 6`, `layers 1, 3–4 of 6`, `layer 3 of 6 of input_ids` */
export function leftOutText({ layers, of, encoder }: LeftOutLayers): string {
  const where = encoder === undefined ? '' : ` of ${encoder}`
  return `${layersText(layers, ranges(layers))} of ${of}${where}`
}
