import { type Demands, MAX_LOSS } from '@tp/compare'
import type { Arguments, Flag, TextOption } from './option.ts'
import { flag, text } from './option.ts'

type DemandOptions = Readonly<{
  'max-loss': TextOption & { readonly is: 'from 0' }
  confident: Flag
  'min-speedup': TextOption & { readonly is: 'positive' }
}>

export const demandOptions: DemandOptions = {
  'max-loss': text(
    'POINTS',
    "allowed loss in points: of accuracy, of F1 of tags, of nDCG@10 for rankings and searches, of Spearman's correlation for pairs with scores, of word errors for speech; for vectors hundredths of the cosine to the dense ones; default 0.5",
    { is: 'from 0' },
  ),
  confident: flag('require the whole 95 % interval to be within that; otherwise its estimate is enough'),
  'min-speedup': text('S', 'required speed-up over dense; default: not slower', { is: 'positive' }),
}

export function readDemands(args: Arguments<DemandOptions>): Demands {
  const { 'max-loss': maxLoss = MAX_LOSS, 'min-speedup': minSpeedup, confident = false } = args
  return { maxLoss, confident, ...(minSpeedup !== undefined && { minSpeedup }) }
}
