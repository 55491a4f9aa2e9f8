import type { DecoderInspection, PrunedPrompt } from '@tp/compiler'
import { amountText } from '@tp/core/host'

/** One line for each fact: `decoder`, `caches` … */
export function decoderFacts(found: DecoderInspection): [name: string, text: string][] {
  const { layerCount, hidden, heads, keyHeads, fused, rotary, positions, logits, logitsOf, caches } = found
  const [first] = caches
  const grouped = heads === keyHeads ? '' : ` (${keyHeads} for keys and values)`
  return [
    ['decoder', `${layerCount} layers, hidden ${hidden}, ${heads} heads${grouped}`],
    ['attention', fused === undefined ? 'written out' : `one operator, ${fused}`],
    ['positions', `${positions === undefined ? 'counted' : `input ${positions}`}, ${rotaryTexts[rotary]}`],
    [
      'caches',
      `${first?.keys.past} → ${first?.keys.present}, ${first?.values.past} → ${first?.values.present} …${first?.keys.scale ? `, 8 bits, scales ${first.keys.scale.past} …` : ''}`,
    ],
    ['logits', `output ${logits}, of ${logitsOf}`],
  ]
}

const rotaryTexts: Readonly<Record<DecoderInspection['rotary'], string>> = {
  none: 'not rotary',
  operator: 'rotary by an operator',
  'in the attention': 'rotary inside the attention',
  'written out': 'rotary, written out',
}

/** Where a prompt is pruned, and how many tokens are kept. */
export function promptPlace({
  layer,
  amount,
  leastTokens = 0,
}: Pick<PrunedPrompt, 'layer' | 'amount' | 'leastTokens'>): string {
  return `after the attention of layer ${layer} (${amountText(amount)}${leastTokens > 0 ? `, at least ${leastTokens} tokens` : ''})`
}
