import { type Demands, MAX_LOSS } from '@tp/compare'
import type { Arguments } from './arguments.ts'
import { number } from './values.ts'

export const demandOptions = {
  'max-loss': {
    type: 'string',
    value: 'POINTS',
    is: 'from 0',
    description:
      'allowed loss in points: of accuracy, of F1 of tags, of nDCG@10 for rankings and searches, of word errors for speech; for vectors hundredths of the cosine to the dense ones; default 0.5',
  },
  confident: {
    type: 'boolean',
    description: 'require the whole 95 % interval of the loss to be within that, not only its estimate',
  },
  'min-speedup': {
    type: 'string',
    value: 'S',
    is: 'positive',
    description: 'required speed-up over dense; default: not slower',
  },
} as const

/** @throws TpError TP_USAGE */
export function readDemands(args: Arguments<typeof demandOptions>): Demands {
  const { 'max-loss': maxLoss, 'min-speedup': minSpeedup, confident = false } = args
  return {
    maxLoss: maxLoss === undefined ? MAX_LOSS : number('max-loss', maxLoss),
    confident,
    ...(minSpeedup !== undefined && { minSpeedup: number('min-speedup', minSpeedup) }),
  }
}
