import { factor } from '@tp/compare'
import { layersAt, type Plan } from '@tp/compiler'
import type { Interval } from '@tp/metrics'
import type { AloneEffect, LeftOut, OptimizedPlan } from '@tp/optimize'
import { shellWord } from './command-line.ts'
import { layersText } from './numbers.ts'

export interface PlanFiles {
  readonly model: string
  /** Where the plan was written. */
  readonly out: string
  /** File with trained values, if its method takes some. */
  readonly weights?: string | undefined
}

/** The unit of the points of a loss. */
export const pointsText: Readonly<Record<OptimizedPlan['figures']['points'], string>> = {
  accuracy: 'points',
  'nDCG@10': 'points of nDCG@10',
  cosine: 'hundredths of the cosine to the dense vectors',
  tags: 'points of the F1 of tags',
  WER: 'points of word errors',
}

/** The effect of a plan, and its uses. */
export function describePlan({ regimes, figures, cascade }: OptimizedPlan, { model, out, weights }: PlanFiles): string {
  const { loss, grid, maxLoss, points, eightBits, leftOut, encoder, speedup } = figures
  const last = regimes.at(-1)?.plan
  const isDense = last !== undefined && changesNothing(last)
  const alone = [...(eightBits ? [eightBitsText(eightBits)] : []), ...(leftOut ? [leftOutText(leftOut)] : [])]
  if (last === undefined || loss === undefined || isDense) {
    const tried = ['pruned', ...(eightBits ? ['in 8 bits'] : []), ...(leftOut ? ['with fewer layers'] : [])]
    return [
      `${out}  nothing ${tried.join(' or ')} is faster and loses no more than ${maxLoss} ${pointsText[points]}`,
      ...alone,
      `dead tokens are removed even so${speedup === undefined ? '' : `, which is exact: ${factor(speedup.estimate)} as fast`}`,
    ].join('\n')
  }
  const speeds = grid.map(
    ({ batch, tokens, speedup }) => `${batch}${tokens === undefined ? '' : `×${tokens}`} ${factor(speedup)}`,
  )
  const [first] = regimes
  const trained = weights === undefined ? '' : ` --weights ${shellWord(weights)}`
  const [typedModel, typedPlan] = [shellWord(model), shellWord(out)]
  return [
    `${out}  ${planText(last)}`,
    ...lossTexts(figures, loss),
    ...(speedup === undefined
      ? []
      : [
          `speed  ${factor(speedup.estimate)} (${factor(speedup.low)} … ${factor(speedup.high)}) as fast as dense, dead tokens included, one thread, by processor time`,
        ]),
    ...alone,
    ...(cascade === undefined ? [] : [fallbackText(cascade)]),
    ...(encoder === undefined
      ? [`times as fast as dense  ${speeds.join(', ')}`]
      : [
          `times as fast as dense  encoder ${factor(encoder.speedup)}, with its decoder ${factor(grid[0]?.speedup ?? 1)}`,
        ]),
    ...(first?.upTo === undefined ? [] : [`runs of up to ${first.upTo} tokens, all rows together, are faster dense`]),
    `next  tp prune ${typedModel} --plan ${typedPlan}${trained} -o pruned.onnx`,
    ...(cascade === undefined ? [] : [`then  tp serve pruned.onnx --guard ${typedPlan} --against ${typedModel}`]),
  ].join('\n')
}

/** `sdtp, keep 0.8 at layer 1, 0.7 at layer 3, in 8 bits`; `without layer 3, no tokens are pruned but dead ones` */
function planText(plan: Plan): string {
  const bits = `${plan.quantize === undefined ? '' : ', in 8 bits'}${plan.pack ? ', packed' : ''}`
  const without = plan.leaveOut === undefined ? '' : `without ${layersText(plan.leaveOut)}, `
  if (plan.keep === undefined) {
    if (plan.method === 'none') return `${without}no tokens are pruned but dead ones${bits}`
    const [threshold] = [plan.threshold ?? []].flat()
    const at = threshold === undefined ? '' : `, threshold ${threshold} at layer ${layersAt(plan, '')?.[0]}`
    return `${without}${plan.method}${at}${bits}`
  }
  const layers = layersAt(plan, '')
  const amounts = [plan.keep].flat().map((keep, i) => `${keep} at layer ${layers?.[i]}`)
  return `${without}${plan.method}, keep ${amounts.join(', ')}${bits}`
}

function eightBitsText(alone: AloneEffect): string {
  return `8 bits alone  ${aloneText(alone)}${alone.holds ? '' : '; nothing was pruned in 8 bits'}`
}

function leftOutText(alone: LeftOut): string {
  return `without ${layersText(alone.layers)} alone  ${aloneText(alone)}${alone.holds ? '' : '; all layers are needed'}`
}

function aloneText({ speedup, loss }: Pick<AloneEffect, 'speedup' | 'loss'>): string {
  return `${factor(speedup)}, loss ${intervalText(loss, 'points')} on the examples for choosing`
}

/** Loss with its 95 % interval, by the dense model's probabilities and by labels: of examples that chose nothing, or of those that chose. */
export function lossTexts(
  { points, examples, confirmed, expectedLoss, changed, contradicted, maxLoss }: OptimizedPlan['figures'],
  loss: Interval,
): string[] {
  const unit = pointsText[points]
  const byLabels = points === 'accuracy' && expectedLoss !== undefined ? `, by labels ${intervalText(loss, '')}` : ''
  const other = changed === undefined ? byLabels : `, by probabilities; answers changed ${intervalText(changed, '%')}`
  const whose = confirmed ? 'that chose nothing' : 'that it was chosen by'
  return [
    `loss  ${intervalText(expectedLoss ?? loss, unit)}${other}, on ${examples} examples ${whose}`,
    ...(contradicted
      ? [`ALARM  labels say that it loses more than ${maxLoss} ${unit}: check it on other examples`]
      : []),
  ]
}

/** Whether a plan leaves a model as it is, but for dead tokens. */
export function changesNothing({ method, quantize, leaveOut, pack }: Plan): boolean {
  return method === 'none' && quantize === undefined && leaveOut === undefined && pack === undefined
}

/** `0.4 points (0.0 … 1.2)` */
function intervalText({ estimate, low, high }: Interval, unit: string): string {
  return `${estimate.toFixed(1)}${unit === '' ? '' : ` ${unit}`} (${low.toFixed(1)} … ${high.toFixed(1)})`
}

function fallbackText({ threshold, share }: NonNullable<OptimizedPlan['cascade']>): string {
  const [confident, fallbacks] = [1 - threshold, share].map((part) => `${(100 * part).toFixed(1)} %`)
  return `fallback  to the dense model for answers with a probability below ${confident}: ${fallbacks} of the examples`
}

interface SearchTime {
  readonly seconds: number
  readonly processorSeconds: number
}

/** The work of the search, in one sentence. */
export function searchText({ figures }: OptimizedPlan, { seconds, processorSeconds }: SearchTime): string {
  const { tried, maxLoss, loss, isCutShort } = figures
  const work = `searched for ${seconds} s, ${processorSeconds} s of processor time${tried === undefined ? '' : `: ${tried} candidates answered the examples`}`
  const found = loss === undefined ? `; nothing that is faster loses no more than ${maxLoss}` : ''
  return `${work}${found}${isCutShort ? '; the time was over before all was tried: more --minutes' : ''}`
}
