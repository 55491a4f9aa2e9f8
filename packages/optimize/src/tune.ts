import { type Inspection, inspect, type Plan, type Regime, reportOf } from '@tp/compiler'
import { type ScheduleOptions, TpError, truncate } from '@tp/core'
import { type Candidate, namedVariant, pruningOf, totalMs } from './candidate.ts'
import { type Chosen, chooseCandidate } from './choose.ts'
import { type Contender, contendersOf, usualShapes } from './contenders.ts'
import { inBothForms } from './eight-bits.ts'
import { leavableOf } from './leavable.ts'
import { fewestToBeConfident, isContradicted } from './loss.ts'
import { calibrated, denseAnswers } from './measure-answers.ts'
import { Measurer } from './measurer.ts'
import type { TuneOptions } from './options.ts'
import { type Common, pruned, scheduleOf, unpruned } from './pruning.ts'
import { denseUpTo, timeGrid, usualGrid } from './regimes.ts'
import { type Split, splitOf, VERIFYING } from './split.ts'
import type { Figures, TunedPlan } from './tuned-plan.ts'
import { usableVariants } from './usable-variants.ts'

/**
 * Finds the fastest pruning of a model on a device that loses no more accuracy than is allowed: times of the model's
 * segments predict the time of any schedule; of those with equal time the one is searched whose answers move least; how fast it
 * can be is tried on labeled examples, all of which choose; for a confident bound the fastest that holds is verified on others. It
 * is timed over a grid of shapes. Where it is slower than the dense model, the dense model runs.
 * @throws TpError TP_DATA for too few examples, saying how many it takes; TP_OPTION; TP_ABORTED; with the code of a refusal; and what the runtimes throw
 */
export async function tune(options: TuneOptions): Promise<TunedPlan> {
  const {
    model,
    inputs,
    runtime,
    device = runtime,
    maxLoss = 0.5,
    confident = false,
    cascade = false,
    shapes = usualShapes(inputs),
    grid = usualGrid(inputs),
  } = options
  if (!(maxLoss >= 0 && maxLoss <= 100)) {
    throw new TpError('TP_OPTION', 'optimize', `maxLoss is ${maxLoss}; give points of accuracy, 0 to 100`)
  }
  if (options.variants.length === 0) throw new TpError('TP_OPTION', 'optimize', 'no method is given to choose from')
  const points = inputs.vectors !== undefined ? 'cosine' : inputs.ranking !== undefined ? 'nDCG@10' : 'accuracy'
  if (points !== 'accuracy' && (confident || cascade)) {
    const what = confident ? 'a confident bound' : 'a cascade'
    const seen = points === 'cosine' ? 'embedded' : 'ranked'
    throw new TpError(
      'TP_OPTION',
      'optimize',
      `${what} is for models that give classes, and these examples are ${seen}; leave it out`,
    )
  }
  const split = confident ? splitToBeConfident(inputs, maxLoss) : splitOf(inputs)
  const { encoder } = options
  const pruning: Common = { ...(encoder !== undefined && { encoder }), ...options.protection }
  const measurer = new Measurer({ ...options, pruning })
  const found = inspect(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new TpError(found.refusal.code, 'optimize', found.refusal.message)
  const fixedTokens = typeof found.tokens === 'number' ? found.tokens : undefined
  const sites = sitesOf(model, found, pruning)
  const { variants, skipped } = usableVariants(model, options.variants.map(namedVariant), { sites, pruning })
  if (options.quantize !== undefined) pruned(model, { ...unpruned, quantize: options.quantize })
  const leavable = options.leaveOut ? leavableOf(model, found) : undefined
  for (const each of skipped) options.onSkipped?.(each)
  const common = { measurer, model, runtime, inputs, device, sites }
  const contenders = await contendersOf({
    ...{ ...common, shapes, fixedTokens },
    variants: inBothForms(variants, options.quantize),
  })
  measurer.begin('sensitivity', 3)
  const seen = await denseAnswers(common, 'look', split.look)
  const choosing = await denseAnswers(common, 'choose', split.choose)
  const dense = {
    // The proof of a confident bound is by the model's probabilities as they are.
    choose: confident ? choosing : calibrated(choosing, split.choose.targets),
    verify: split.verify && (await denseAnswers(common, 'verify', split.verify)),
  }
  const { chosen, eightBits, leftOut } = await chooseCandidate(
    { ...common, shapes, split, look: split.look, seen, maxLoss, confident, cascade, leavable, dense },
    contenders,
  )
  const timed = { ...common, grid, fixedTokens }
  const cells = chosen === undefined ? [] : await timeGrid(timed, timedPruning(chosen, sites))
  const { runtime: name, version, device: processor } = await device.diagnose()
  const figures: Figures = {
    maxLoss,
    points,
    confident,
    pooled: split.verify === undefined,
    ...(dense.choose.temperature !== undefined && { temperature: dense.choose.temperature }),
    ...(chosen && {
      loss: chosen.loss.labeled ?? chosen.loss.expected,
      ...(chosen.loss.labeled === undefined && chosen.loss.changed && { changed: chosen.loss.changed }),
      expectedLoss: chosen.loss.expected,
      ...(isContradicted(maxLoss, chosen.loss) && { contradicted: true as const }),
      expectedMs: expectedMs(chosen, contenders),
    }),
    ...(chosen?.uniform && { uniform: planOf(chosen.uniform, sites, pruning) }),
    ...(eightBits && { eightBits }),
    ...(leftOut && { leftOut }),
    ...(skipped.length > 0 && { skipped }),
    examples: (split.verify ?? split.choose).targets.length,
    data: inputs.source,
    grid: cells,
    runtime: name,
    version,
    device: processor,
    date: new Date().toISOString(),
  }
  const limit = denseUpTo(cells)
  // Slower than dense even at the largest size: nothing is pruned, and nothing falls back.
  const taken = cells.some(({ positions }) => positions > limit) ? chosen?.candidate : undefined
  const fallback = taken?.fallback
  return {
    format: 1,
    regimes: regimesOf(taken, sites, limit, pruning),
    ...(fallback && { cascade: { uncertainty: 'probability', threshold: fallback.threshold, share: fallback.share } }),
    figures,
  }
}

/** Enough for verification even if some answers differ. @throws TpError TP_OPTION, TP_DATA if even identical answers would not show it */
function splitToBeConfident(inputs: TuneOptions['inputs'], maxLoss: number): Split {
  if (maxLoss === 0) {
    throw new TpError(
      'TP_OPTION',
      'optimize',
      'no number of examples can show a loss of 0 points; allow some, or do not ask for a confident bound',
    )
  }
  const fewest = fewestToBeConfident(maxLoss)
  const split = splitOf(inputs, 2 * fewest)
  const count = split.verify?.targets.length ?? 0
  if (count >= fewest) return split
  const seen = `of ${inputs.targets.length} examples ${count} are to verify on, which cannot show a loss of at most ${maxLoss} ${maxLoss === 1 ? 'point' : 'points'}`
  const advice = `give at least ${Math.ceil(fewest / VERIFYING)} (${fewest} to verify on), or allow more loss`
  throw new TpError('TP_DATA', 'optimize', `${inputs.source}: ${seen} even if no answer differs; ${advice}`)
}

/** Layers where tokens can be pruned: after the others only protected tokens are read. */
function sitesOf(model: TuneOptions['model'], found: Inspection, { encoder }: Common): number[] {
  const all = found.layers.map(({ layer }) => layer).filter((layer) => layer >= found.open)
  const amounts = new Map(all.map((layer) => [layer, { kind: 'ratio', value: 0.5 } as const]))
  const { reports } = pruned(model, { method: truncate(), schedule: amounts }, encoder === undefined ? {} : { encoder })
  return reportOf(reports, 'prune')?.cuts.map(({ layer }) => layer) ?? []
}

function timedPruning({ candidate }: Chosen, sites: readonly number[]) {
  const { variant, shares, fallback } = candidate
  return {
    name: `${variant.name} ${shares.join(' ')}`,
    pruning: pruningOf(candidate, sites),
    fallback: fallback?.share ?? 0,
  }
}

function regimesOf(taken: Candidate | undefined, sites: readonly number[], limit: number, pruning: Common): Regime[] {
  const dense: Plan = { format: 1, method: 'none' }
  if (taken === undefined) return [{ plan: dense }]
  const plan = planOf(taken, sites, pruning)
  return limit === 0 ? [{ plan }] : [{ upTo: limit, plan: dense }, { plan }]
}

function planOf(
  { variant: { entry, params, leaveOut, quantize }, shares }: Candidate,
  sites: readonly number[],
  pruning: Common,
): Plan {
  const schedule = scheduleOf(sites, shares)
  const amounts: ScheduleOptions = {
    layers: [...schedule.keys()],
    keep: [...schedule.values()].map(({ value }) => value),
  }
  return {
    ...{ format: 1, method: entry.name, ...(params && { params }) },
    ...(schedule.size > 0 && { ...pruning, ...amounts }),
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
  }
}

function expectedMs(
  { candidate, uniform }: Chosen,
  contenders: readonly Contender[],
): NonNullable<Figures['expectedMs']> {
  const own = contenders.find(({ variant }) => variant === candidate.variant) ?? (contenders[0] as Contender)
  return { dense: own.denseMs, pruned: totalMs(candidate), ...(uniform && { uniform: totalMs(uniform) }) }
}
