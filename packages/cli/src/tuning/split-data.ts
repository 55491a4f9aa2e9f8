import { TpError } from '@tp/core'
import { candidatesOf, divide, type ModelInputs, someExamples } from '@tp/data/inputs'
import { usageError } from '../command/usage-error.ts'
import type { TaskInputs } from '../model/open-task-inputs.ts'

/** Examples that a plan is chosen by, and others for the verdict. */
export interface TuningData {
  readonly tuning: ModelInputs
  readonly checking: TaskInputs
}

/** Of three examples two are to choose by. */
const TURNS = ['tuning', 'tuning', 'checking'] as const
/** Tuning takes 60 examples or 40 queries. */
const LEAST = { examples: 90, queries: 60 } as const

/**
 * Divides data, stratified by class; of pairs to rank whole queries. Texts that people have judged are all in both parts: vectors are
 * tuned without judgments.
 * @throws TpError TP_DATA for too few examples; TP_USAGE for tags and speech
 */
export function splitData(data: TaskInputs): TuningData {
  if (data.task === 'tokens' || data.task === 'asr') {
    const advice = 'name a method (--method NAME --keep R), and --data says what it costs'
    throw usageError(`tags and speech are not tuned with tp prune; ${advice}`)
  }
  if (data.task === 'embeddings' && data.judged !== undefined) return { tuning: data.inputs, checking: data }
  const { inputs } = data
  const parts = inputs.ranking === undefined ? divide(inputs, TURNS) : queriesOf(inputs, inputs.ranking)
  const count = inputs.ranking === undefined ? inputs.targets.length : candidatesOf(inputs.ranking).size
  const unit = inputs.ranking === undefined ? 'examples' : 'queries'
  if (count < LEAST[unit]) {
    const wanted = `give ${LEAST[unit]} or more: two thirds to choose by, the others for the verdict; or name a method`
    throw new TpError('TP_DATA', 'tp', `${inputs.source}: ${count} ${unit} are too few to tune by; ${wanted}`)
  }
  return {
    tuning: someExamples(inputs, parts.tuning),
    checking: { ...data, inputs: someExamples(inputs, parts.checking) },
  }
}

/** All candidates of a query are in the same part. */
function queriesOf(
  { keys }: ModelInputs,
  ranking: NonNullable<ModelInputs['ranking']>,
): Readonly<Record<(typeof TURNS)[number], readonly number[]>> {
  const queries = [...candidatesOf(ranking).values()]
  const first = keys && queries.map(([position = 0]) => keys[position] as string | number)
  const about = { targets: queries.map(() => -1), lengths: queries.map(({ length }) => length), keys: first }
  const { tuning, checking } = divide(about, TURNS)
  const positions = (part: readonly number[]) => part.flatMap((query) => queries[query] as readonly number[])
  return { tuning: positions(tuning), checking: positions(checking) }
}
