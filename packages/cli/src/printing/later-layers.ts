import type { Inspection } from '@tp/compiler'
import { counted } from './numbers.ts'

/** The layers downstream of an encoder that are not pruned: 1 layer over 4 tokens, … */
export function laterLayersText({ laterLayers }: Pick<Inspection, 'laterLayers'>): string | undefined {
  const each = laterLayers.map(({ layers, tokens }) => `${counted(layers, 'layer')} over ${counted(tokens, 'token')}`)
  return each.length === 0 ? undefined : `${each.join(', ')}: another stage, or a decoder; not pruned`
}
