import { amountOf } from '@tp/compare'
import { shellWord } from '@tp/core/host'
import { changesNothing, describeOptimized, type OptimizedPlan } from '@tp/optimize'
import { typedLauncher } from './command-line.ts'
import { counted } from './numbers.ts'

export interface PlanFiles {
  readonly model: string
  /** Where the plan was written. */
  readonly out: string
  /** File with trained values, if its method takes some. */
  readonly weights?: string | undefined
  /** The decoder of a speech encoder. */
  readonly decoder?: string | undefined
}

/** The effect of a plan, and its uses. */
export function describePlan(plan: OptimizedPlan, { model, out, weights, decoder = '' }: PlanFiles): string {
  const [first, ...others] = describeOptimized(plan)
  const last = plan.regimes.at(-1)?.plan
  const isDense = last === undefined || plan.figures.loss === undefined || changesNothing(last)
  const trained = weights === undefined ? '' : ` --weights ${shellWord(weights)}`
  const reader = last?.restore === 'weighed' ? ` --decoder ${shellWord(decoder)} --decoder-out decoder.onnx` : ''
  const [typedModel, typedPlan] = [shellWord(model), shellWord(out)]
  const npx = typedLauncher()
  const next = [
    `next  ${npx}tp prune ${typedModel} --plan ${typedPlan}${trained} -o pruned.onnx${reader}`,
    ...(plan.cascade ? [`then  ${npx}tp serve pruned.onnx --guard ${typedPlan} --against ${typedModel}`] : []),
  ]
  return [`${out}  ${first}`, ...others, ...(isDense ? [] : next)].join('\n')
}

/** Time and memory of a search. */
export interface SearchWork {
  readonly seconds: number
  /** Of all threads of this process. */
  readonly processorSeconds: number
  /** The most memory that this process had. */
  readonly peakMegabytes: number
}

/** The work of the search, in one sentence. */
export function searchText(
  { figures }: OptimizedPlan,
  { seconds, processorSeconds, peakMegabytes }: SearchWork,
): string {
  const { tried, maxLoss, loss, isCutShort } = figures
  const many = tried === undefined ? '' : `: ${counted(tried, 'candidate')} answered the examples`
  const work = `searched for ${seconds} s, ${processorSeconds} s of processor time, ${peakMegabytes} MB of memory at most${many}`
  const found = loss === undefined ? `; nothing faster stays within ${amountOf(maxLoss, 'points')}` : ''
  return `${work}${found}${isCutShort ? '; it ended before everything was tried: more --minutes may find more' : ''}`
}
