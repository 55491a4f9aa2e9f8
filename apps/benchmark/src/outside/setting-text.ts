import type { Plan } from '@tp/compiler'

/** `tome 0.9 in layers 1–5, without layer 3, 8 bits, packed`. */
export function settingText({ method, keep, layers, leaveOut, quantize, pack }: Plan): string {
  const amounts = typeof keep === 'object' && new Set(keep).size === 1 ? keep[0] : keep
  const where = Array.isArray(layers) && layers.length > 0 ? ` in layers ${layersText(layers)}` : ''
  const parts = [
    ...(method === 'none' ? [] : [`${method} ${amounts === undefined ? '' : amountText(amounts)}${where}`]),
    ...(leaveOut ? [`without layer${leaveOut.length === 1 ? '' : 's'} ${leaveOut.join(', ')}`] : []),
    ...(quantize ? [quantize.reduceRange ? '8 bits (weights of 7)' : '8 bits'] : []),
    ...(pack ? ['packed'] : []),
  ]
  return parts.length === 0 ? 'nothing changed' : parts.join(', ')
}

function amountText(amounts: number | readonly number[]): string {
  return typeof amounts === 'number' ? `${amounts}` : amounts.join(', ')
}

/** Layers that follow each other as a range. */
function layersText(layers: readonly number[]): string {
  const [first = 0] = layers
  const last = layers.at(-1) as number
  const isRange = layers.length > 2 && last - first === layers.length - 1
  return isRange ? `${first}–${last}` : layers.join(', ')
}
