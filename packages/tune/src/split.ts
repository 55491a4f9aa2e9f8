import { TpError } from '@tp/core'
import { divide, type ModelInputs, sampleExamples, someExamples } from '@tp/eval/inputs'

/** Examples by purpose; choosing never sees the verification examples. */
export interface Split {
  /** To measure how sensitive each layer is to pruning; labels are not used. */
  readonly look: ModelInputs
  /** To choose between plans. */
  readonly choose: ModelInputs
  /** To verify the plan that was chosen. */
  readonly verify: ModelInputs
}

/** The most examples of each part: more would cost more than they gain. */
const MOST = { look: 150, choose: 1000, verify: 1000 } as const

/** Fewer are not informative: with 20 to verify on, one is five points. */
const LEAST = 60

/** Of five examples one is for sensitivity, two for choosing, two for verification. */
const TURNS = ['look', 'choose', 'verify', 'choose', 'verify'] as const

/** The share of examples for verification. */
export const VERIFYING: number = TURNS.filter((part) => part === 'verify').length / TURNS.length

/**
 * Examples of each part, stratified by class.
 * @param verify the most examples for verification, if the default is too few
 * @throws TpError TP_DATA for too few examples
 */
export function splitOf(inputs: ModelInputs, verify = 0): Split {
  const count = inputs.targets.length
  if (count < LEAST) {
    throw new TpError(
      'TP_DATA',
      'tune',
      `${inputs.source}: ${count} examples are too few to choose by; give ${LEAST} or more`,
    )
  }
  const rows = divide(inputs, TURNS)
  const most = { ...MOST, verify: Math.max(MOST.verify, verify) }
  const part = (name: keyof Split): ModelInputs => sampleExamples(someExamples(inputs, rows[name]), most[name])
  return { look: part('look'), choose: part('choose'), verify: part('verify') }
}
