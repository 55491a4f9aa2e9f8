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

const FORM =
  /^(?:(?<method>[a-z][\w-]+) (?<keep>[\d.]+(?:, [\d.]+)*) in layers (?<layers>\d+–\d+|\d+(?:, \d+(?=,|$))*))?(?:(?:, |^)without layers? (?<without>\d+(?:, \d+(?=,|$))*))?(?:(?:, |^)(?<eight>8 bits)(?<seven> \(weights of 7\))?)?(?<pack>(?:, |^)packed)?$/

/** The plan that {@link settingText} describes, so that its file can be made again. A text has no options of methods. */
export function planOf(text: string): Plan | undefined {
  const { method = 'none', keep, layers, without, eight, seven, pack } = FORM.exec(text)?.groups ?? {}
  const sites = layers === undefined ? [] : numbersIn(layers)
  const amounts = keep?.split(', ').map(Number) ?? []
  const plan: Plan = {
    ...{ format: 1, method },
    ...(layers !== undefined && { layers: sites, keep: sites.map((_, i) => amounts[i] ?? (amounts[0] as number)) }),
    ...(without !== undefined && { leaveOut: numbersIn(without) }),
    ...(eight !== undefined && { quantize: seven === undefined ? {} : { reduceRange: true } }),
    ...(pack !== undefined && { pack: true }),
  }
  return settingText(plan) === text ? plan : undefined
}

/** `1–4` or `4, 8`. */
function numbersIn(text: string): number[] {
  const [first = 0, last] = text.split('–').map(Number)
  if (last === undefined) return text.split(', ').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
