import { TpError } from '@tp/core'
import { candidatesOf, divide, type ModelInputs, type Ranking, sampleExamples, someExamples } from '@tp/data/inputs'

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
 * Examples of each part, stratified by class; of rankings whole queries.
 * @param verify the most examples for verification, if the default is too few
 * @throws TpError TP_DATA for too few examples
 */
export function splitOf(inputs: ModelInputs, verify = 0): Split {
  if (inputs.ranking !== undefined) return splitOfQueries(inputs, inputs.ranking)
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

/** The most queries of each part: each has many candidates. */
const MOST_QUERIES = { look: 40, choose: 150, verify: 150 } as const

/** With fewer one query is five points of the mean. */
const LEAST_QUERIES = 40

/**
 * Queries of each part, with all of their candidates.
 * @throws TpError TP_DATA for too few queries
 */
function splitOfQueries(inputs: ModelInputs, ranking: Ranking): Split {
  const queries = [...candidatesOf(ranking).values()].filter(({ length }) => length > 1)
  if (queries.length < LEAST_QUERIES) {
    const seen = `${queries.length} queries with two candidates or more are too few to choose by`
    throw new TpError('TP_DATA', 'tune', `${inputs.source}: ${seen}; give ${LEAST_QUERIES} or more`)
  }
  const lengths = queries.map(({ length }) => length)
  const keys = inputs.keys && queries.map(([first = 0]) => inputs.keys?.[first] as string | number)
  const parts = divide({ targets: queries.map(() => -1), lengths, keys }, TURNS)
  const part = (name: keyof Split): ModelInputs => {
    const taken = parts[name].slice(0, MOST_QUERIES[name])
    return someExamples(
      inputs,
      taken.flatMap((query) => queries[query] as readonly number[]),
    )
  }
  return { look: part('look'), choose: part('choose'), verify: part('verify') }
}
