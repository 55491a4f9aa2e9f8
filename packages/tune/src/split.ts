import { TpError } from '@tp/core'
import { type ModelInputs, someExamples } from '@tp/eval'

/** Examples by what they are for; nothing that chooses sees what verifies. */
export interface Split {
  /** To see how much each block needs its tokens; labels are not asked for. */
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

/** Of ten examples two are to look with, four to choose by, four to verify on. */
const TURNS = ['look', 'choose', 'verify', 'choose', 'verify', 'look', 'choose', 'verify', 'choose', 'verify'] as const

/** @throws TpError TP_DATA for too few examples */
export function splitOf(inputs: ModelInputs): Split {
  const count = inputs.targets.length
  if (count < LEAST) {
    throw new TpError(
      'TP_DATA',
      'tune',
      `${inputs.source}: ${count} examples are too few to choose by; give ${LEAST} or more`,
    )
  }
  const part = (name: keyof Split): ModelInputs => {
    const rows = inputs.targets.flatMap((_, i) => (TURNS[i % TURNS.length] === name ? [i] : []))
    return someExamples(inputs, rows.slice(0, MOST[name]))
  }
  return { look: part('look'), choose: part('choose'), verify: part('verify') }
}
