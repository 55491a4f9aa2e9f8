import { TpError } from '@tp/core'
import { divide, type ModelInputs, sampleExamples, someExamples } from '@tp/eval/inputs'

/** Examples by what they are for; nothing that chooses sees what verifies. */
export interface Split {
  /** To see how much each layer needs its tokens; labels are not asked for. */
  readonly look: ModelInputs
  /** To choose between plans. */
  readonly choose: ModelInputs
  /** To verify the plan that was chosen. */
  readonly verify: ModelInputs
}

/** Most examples of each part: what is gained with more is less than what they cost. */
const MOST = { look: 150, choose: 1000, verify: 1000 } as const

/** Fewer say nothing: with 20 to verify on, one is five points. */
const LEAST = 60

/** Of five examples one is to look with, two to choose by, two to verify on. */
const TURNS = ['look', 'choose', 'verify', 'choose', 'verify'] as const

/** Of all examples, those that are to verify on. */
export const VERIFYING: number = TURNS.filter((part) => part === 'verify').length / TURNS.length

/**
 * Examples of each part, with all classes alike in all of them.
 * @param verify most examples to verify on, where the usual number is too few for what is asked
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
