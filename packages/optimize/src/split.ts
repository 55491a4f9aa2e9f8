import { TpError } from '@tp/core'
import { candidatesOf, divide, type ModelInputs, type Ranking, sampleExamples, someExamples } from '@tp/data/inputs'
import { divideQueries } from './divide-queries.ts'

/** Examples by purpose. */
export interface Split {
  /** To measure how sensitive each layer is to pruning; labels are not used. */
  readonly look: ModelInputs
  /** To choose between plans. */
  readonly choose: ModelInputs
  /** To verify a confident bound, which no choice has seen; undefined if none is to be verified, and all examples choose. */
  readonly verify?: ModelInputs
}

type PartName = keyof Split

/** The most examples of each part: more would cost more than they gain. */
const MOST = { look: 150, choose: 1000, verify: 1000 } as const

/** The most where all examples choose. */
const MOST_POOLED = 2000

/** Fewer are not informative: with 60 the bound of a loss is wide. */
const LEAST = 60

/** Of five examples one is for sensitivity, two for choosing, two for verification, … */
const TURNS = ['look', 'choose', 'verify', 'choose', 'verify'] as const

/** … so that this share is for verification. */
export const VERIFYING: number = TURNS.filter((part) => part === 'verify').length / TURNS.length

/**
 * Examples of each part, stratified by class; of rankings whole queries. Without verification all of them choose, those for
 * sensitivity too.
 * @param verify the least number of examples for verification that are taken if there are as many; undefined for none
 * @throws TpError TP_DATA for too few examples
 */
export function splitOf(inputs: ModelInputs, verify?: number): Split {
  if (inputs.ranking !== undefined) return splitOfQueries(inputs, inputs.ranking)
  const count = inputs.targets.length
  if (count < LEAST) {
    throw new TpError(
      'TP_DATA',
      'optimize',
      `${inputs.source}: ${count} examples are too few to choose by; give ${LEAST} or more`,
    )
  }
  const rows = divide(inputs, TURNS)
  const part = (name: PartName, most: number): ModelInputs => sampleExamples(someExamples(inputs, rows[name]), most)
  const look = part('look', MOST.look)
  if (verify === undefined) return { look, choose: sampleExamples(inputs, MOST_POOLED) }
  return { look, choose: part('choose', MOST.choose), verify: part('verify', Math.max(MOST.verify, verify)) }
}

/** The most queries of each part: each has many candidates. */
const MOST_QUERIES = { look: 40, choose: 300 } as const

/** With fewer one query is five points of the mean. */
const LEAST_QUERIES = 40

/**
 * Queries of each part, with all of their candidates; all of them choose.
 * @throws TpError TP_DATA for too few queries
 */
function splitOfQueries(inputs: ModelInputs, ranking: Ranking): Split {
  const queries = [...candidatesOf(ranking).values()].filter(({ length }) => length > 1)
  if (queries.length < LEAST_QUERIES) {
    const seen = `${queries.length} queries with two candidates or more are too few to choose by`
    throw new TpError('TP_DATA', 'optimize', `${inputs.source}: ${seen}; give ${LEAST_QUERIES} or more`)
  }
  const someQueries = (taken: readonly number[], most: number): ModelInputs =>
    someExamples(
      inputs,
      taken.slice(0, most).flatMap((query) => queries[query] as readonly number[]),
    )
  const { look, choose, verify } = divideQueries(queries, inputs, TURNS)
  return {
    look: someQueries(look, MOST_QUERIES.look),
    choose: someQueries([...look, ...choose, ...verify], MOST_QUERIES.choose),
  }
}
