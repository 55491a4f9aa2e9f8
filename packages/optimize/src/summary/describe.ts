import { amountOf, factor, type OneAnswer, oneAnswers, points, speedUpText } from '@tp/compare'
import { layersAt, type Plan } from '@tp/compiler'
import type { Figures, OptimizedPlan } from '../optimized-plan.ts'
import type { LeftOut } from '../search/fewer-layers.ts'
import type { AloneEffect } from '../search/forms.ts'
import { changesNothing, lossUnits } from './verdict.ts'

/**
 * An optimized plan in lines for a reader: what it does to the model, its loss, its speed, what 8 bits and fewer layers do alone.
 * @example
 * console.log(describeOptimized(plan).join('\n'))
 */
export function describeOptimized({ regimes, figures, cascade }: OptimizedPlan): string[] {
  const { loss, grid, maxLoss, eightBits, leftOut, encoder, speedup, tooFewJudged } = figures
  const last = regimes.at(-1)?.plan
  const alone = [...(eightBits ? [eightBitsText(eightBits)] : []), ...(leftOut ? [leftOutText(leftOut)] : [])]
  if (last === undefined || loss === undefined || changesNothing(last)) {
    const tried = ['pruned', ...(eightBits ? ['in 8 bits'] : []), ...(leftOut ? ['with fewer layers'] : [])]
    return [
      `nothing ${tried.join(' or ')} is faster and loses no more than ${amountOf(maxLoss, lossUnits[figures.points])}`,
      ...tooFewLines(tooFewJudged),
      ...alone,
      `dead tokens are removed even so${speedup === undefined ? '' : `, which changes answers by rounding at most: ${factor(speedup.estimate)} as fast`}`,
    ]
  }
  const speeds = grid.map(
    ({ batch, tokens, speedup }) => `${batch}${tokens === undefined ? '' : `×${tokens}`} ${factor(speedup)}`,
  )
  const [first] = regimes
  return [
    planText(last),
    ...describeLoss(figures),
    ...(speedup === undefined
      ? []
      : [
          `speed  ${speedUpText({ value: speedup.estimate, ...speedup })} as fast as dense, dead tokens included, one thread, by processor time`,
        ]),
    ...alone,
    ...(cascade === undefined ? [] : [fallbackText(cascade)]),
    ...(encoder === undefined
      ? [`times as fast as dense  ${speeds.join(', ')}`]
      : [
          `times as fast as dense  encoder ${factor(encoder.speedup)}, with its decoder ${factor(grid[0]?.speedup ?? 1)}`,
        ]),
    ...(first?.upTo === undefined ? [] : [`runs of up to ${first.upTo} tokens, all rows together, are faster dense`]),
  ]
}

/**
 * Where the plan of a search is whose model could not be written. Marks of examples are left out: they are many, and mean nothing to a reader.
 * @param file of the plan, if it was written
 */
export function planThatRemains({ chosenOn, ...plan }: Plan, file: string | undefined): string {
  if (file !== undefined) return `[tp] ${file} holds the plan that was found, for tp prune --plan`
  return `[tp] the plan that was found, for tp prune --plan FILE: ${JSON.stringify(plan)}`
}

/**
 * The loss of an optimized plan with its 95 % interval, by the dense model's probabilities and by labels, on examples that chose nothing or
 * on those that chose; and an alarm where labels contradict, or where the examples cannot show a loss. No lines where nothing is changed.
 */
export function describeLoss(figures: Figures): string[] {
  const {
    examples,
    confirmed,
    rejected = 0,
    repeated = 0,
    loss,
    expectedLoss,
    changed,
    contradicted,
    cosine,
    documents,
    tooFewJudged,
    maxLoss,
  } = figures
  if (loss === undefined) return []
  const unit = lossUnits[figures.points]
  const one = oneAnswerBy(figures.points)
  const byLabels = figures.points === 'accuracy' && expectedLoss !== undefined ? `, by labels ${points(loss)}` : ''
  const other = changed === undefined ? byLabels : `, by probabilities; answers changed ${points(changed)} %`
  const others = rejected === 1 ? 'a faster plan' : `${rejected} faster plans`
  const alone = rejected === 0 ? 'that chose nothing' : `that chose nothing but to reject ${others}`
  const whose = confirmed ? alone : 'that it was chosen by'
  return [
    `loss  ${points(expectedLoss ?? loss)} ${unit}${other}, on ${examples} examples ${whose}`,
    ...(cosine === undefined
      ? []
      : [
          `vectors have a cosine of ${cosine.toFixed(2)} to the dense ones: embed all texts of an index by one of the two files`,
        ]),
    ...tooFewLines(tooFewJudged),
    ...(documents === undefined ? [] : [`searched in ${documents} documents: in more of them more may be lost`]),
    ...(repeated === 0
      ? []
      : [
          `${repeated} ${repeated === 1 ? 'example repeats another one and is' : 'examples repeat others and are'} left out`,
        ]),
    ...(figures.oneAnswer && one
      ? [`ALARM  the dense model gives all ${one.said}, so they cannot show a loss: give ${one.needed}`]
      : []),
    ...(contradicted
      ? [`ALARM  labels say that it loses more than ${amountOf(maxLoss, unit)}: check it on other examples`]
      : []),
  ]
}

function tooFewLines(judged: Figures['tooFewJudged']): string[] {
  if (judged === undefined) return []
  const { of, count, needed } = judged
  return [
    `${count} judged ${of} are too few to choose by (it takes ${needed}): vectors are compared with the dense ones`,
  ]
}

/** The alarm of an answer that is the only one; undefined for points that have none. */
function oneAnswerBy(points: Figures['points']): OneAnswer | undefined {
  return (oneAnswers as Readonly<Partial<Record<Figures['points'], OneAnswer>>>)[points]
}

/** `sdtp, keep 0.8 at layer 1, 0.7 at layer 3, in 8 bits`; `without layer 3, no tokens are pruned but dead ones` */
function planText(plan: Plan): string {
  const bits = `${plan.quantize === undefined ? '' : ', in 8 bits'}${plan.pack ? ', packed' : ''}`
  const without = plan.leaveOut === undefined ? '' : `${withoutText(plan.leaveOut)}, `
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

function withoutText(layers: readonly number[]): string {
  return `without ${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`
}

function eightBitsText(alone: AloneEffect): string {
  return `8 bits alone  ${aloneText(alone)}${alone.holds ? '' : '; nothing was pruned in 8 bits'}`
}

function leftOutText(alone: LeftOut): string {
  return `${withoutText(alone.layers)} alone  ${aloneText(alone)}${alone.holds ? '' : '; all layers are needed'}`
}

function aloneText({ speedup, loss }: Pick<AloneEffect, 'speedup' | 'loss'>): string {
  return `${factor(speedup)}, loss ${points(loss)} points on the examples for choosing`
}

function fallbackText({ threshold, share }: NonNullable<OptimizedPlan['cascade']>): string {
  const [confident, fallbacks] = [1 - threshold, share].map((part) => `${(100 * part).toFixed(1)} %`)
  return `fallback  to the dense model for answers with a probability below ${confident}: ${fallbacks} of the examples`
}
