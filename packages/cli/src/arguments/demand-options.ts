import { type Demands, MAX_LOSS } from '@tp/compare'
import type { Arguments } from './arguments.ts'
import { number } from './values.ts'

export const demandOptions = {
  'max-loss': {
    type: 'string',
    value: 'POINTS',
    is: 'from 0',
    description:
      'what may be lost, in points: of accuracy, of F1 of tags, of nDCG@10 where documents are ranked or found, of word errors of speech; of vectors hundredths of the cosine to the dense ones; default 0.5',
  },
  confident: {
    type: 'boolean',
    description: 'the whole 95 % interval of the loss must be within that, not its estimate alone',
  },
  'min-speedup': {
    type: 'string',
    value: 'S',
    is: 'positive',
    description: 'times as fast as dense that it has to be; default: not slower',
  },
} as const

/** @throws TpError TP_USAGE */
export function readDemands(given: Arguments<typeof demandOptions>): Demands {
  const { 'max-loss': maxLoss, 'min-speedup': minSpeedup, confident = false } = given
  return {
    maxLoss: maxLoss === undefined ? MAX_LOSS : number('max-loss', maxLoss),
    confident,
    ...(minSpeedup !== undefined && { minSpeedup: number('min-speedup', minSpeedup) }),
  }
}
