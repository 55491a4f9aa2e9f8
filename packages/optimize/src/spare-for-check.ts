import { TpError } from '@tp/core'
import { candidatesOf, divide, type ModelInputs, someExamples } from '@tp/data/inputs'
import { divideQueries } from './divide-queries.ts'

/** Examples that a plan is chosen by, and others for the verdict. */
export interface SparedExamples {
  readonly tuning: ModelInputs
  readonly checking: ModelInputs
}

/** Of three examples two are to choose by. */
const TURNS = ['tuning', 'tuning', 'checking'] as const
/** Tuning takes 60 examples or 40 queries. */
const LEAST = { examples: 90, queries: 60 } as const

/**
 * Divides examples, stratified by class; of pairs to rank whole queries.
 * @throws TpError TP_DATA for too few examples
 */
export function spareForCheck(inputs: ModelInputs): SparedExamples {
  const { ranking } = inputs
  const parts = ranking === undefined ? divide(inputs, TURNS) : queriesOf(inputs, ranking)
  const count = ranking === undefined ? inputs.targets.length : candidatesOf(ranking).size
  const unit = ranking === undefined ? 'examples' : 'queries'
  if (count < LEAST[unit]) {
    const advice = `give ${LEAST[unit]} or more: two thirds to choose by, the others for the verdict`
    throw new TpError('TP_DATA', 'optimize', `${inputs.source}: ${count} ${unit} are too few to tune by; ${advice}`)
  }
  return { tuning: someExamples(inputs, parts.tuning), checking: someExamples(inputs, parts.checking) }
}

/** All candidates of a query are in the same part. */
function queriesOf(
  inputs: ModelInputs,
  ranking: NonNullable<ModelInputs['ranking']>,
): Readonly<Record<(typeof TURNS)[number], readonly number[]>> {
  const queries = [...candidatesOf(ranking).values()]
  const { tuning, checking } = divideQueries(queries, inputs, TURNS)
  const positions = (part: readonly number[]) => part.flatMap((query) => queries[query] as readonly number[])
  return { tuning: positions(tuning), checking: positions(checking) }
}
