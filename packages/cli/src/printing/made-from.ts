import { basename } from 'node:path'
import type { LeftOutLayers, PruningStep } from '@tp/compiler'
import { amountText, wholeAmount } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { isAsExported, isMadeFrom, type Provenance, provenanceOf } from '@tp/plans/files'
import { layersText, ranges } from './numbers.ts'

/** The name of a file in tables: `dense` as long as it records no pruning. */
export function originalName(file: Pick<ModelFile, 'model'>): 'dense' | 'as pruned' {
  return isAsExported(provenanceOf(file)) ? 'dense' : 'as pruned'
}

/** `model.onnx: tome, keep 0.9 at layers 1–4`; without the name if it is not known which file it was made from. */
export function madeFromText(provenance: Provenance, other?: Pick<ModelFile, 'path' | 'hash'>): string {
  const { steps, leftOut } = provenance
  if (isAsExported(provenance)) return 'no record of pruning'
  const how = [...leftOut.map((layers) => `without ${leftOutText(layers)}`), ...steps.map(stepText)].join('; then ')
  const made = other === undefined ? undefined : isMadeFrom(provenance, other)
  if (made === undefined || other === undefined) return how
  return `${made ? basename(other.path) : 'another file'}: ${how}`
}

/** `layer 3 of 6`, `layers 1, 3–4 of 6`, `layer 3 of 6 of input_ids` */
export function leftOutText({ layers, of, encoder }: LeftOutLayers): string {
  const where = encoder === undefined ? '' : ` of ${encoder}`
  return `${layersText(layers, ranges(layers))} of ${of}${where}`
}

/** The record of one pruning in a file: `tome, keep 0.9 at layers 1–4`. */
export function stepText({ method, encoder, schedule, cuts }: PruningStep): string {
  const layersOf = new Map<string, number[]>()
  for (const [layer, amount] of Object.entries(schedule)) {
    if (!cuts.some((cut) => cut.layer === Number(layer))) continue
    const { kind, value } = wholeAmount
    const text = amount.kind === kind && amount.value === value ? 'as many as it decides' : amountText(amount)
    layersOf.set(text, [...(layersOf.get(text) ?? []), Number(layer)])
  }
  const amounts = [...layersOf].map(([text, layers]) => `${text} at ${layersText(layers, ranges(layers))}`)
  const where = encoder === undefined ? '' : ` on ${encoder}`
  return amounts.length === 0 ? method : `${method}${where}, ${amounts.join(', ')}`
}
