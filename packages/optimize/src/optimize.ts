import { type Inspection, inspect, type Plan, type Regime } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type AnswerForm, throwIfAborted } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { distinctExamples, joinMarks, type ModelInputs, someExamples } from '@tp/data/inputs'
import { budgetOf, type SearchBudget } from './budget.ts'
import { inDecidedForm } from './judging/answer-form.ts'
import { Judge, type Parts } from './judging/judge.ts'
import { isContradicted } from './judging/loss.ts'
import { examplesToBeConfident, splitOf } from './judging/split.ts'
import { requireAgreement } from './judging/vectors/require-agreement.ts'
import { rowsOfSearch } from './judging/vectors/search-losses.ts'
import { tooFewJudged, withJudgments } from './judging/vectors/with-judgments.ts'
import { sampleTexts, withVectors } from './judging/vectors/with-vectors.ts'
import { loadModel } from './load-model.ts'
import { Measurer } from './measurer.ts'
import type { Figures, OptimizedPlan } from './optimized-plan.ts'
import type { OptimizeOptions, Skipped, Variant } from './options.ts'
import { type Cell, denseUpTo, timeGrid, usualGrid } from './regimes.ts'
import { candidateText, isExact, keepsAnswers, planOf, pruningOf } from './search/candidate.ts'
import { type Chosen, choose } from './search/choose.ts'
import { withFewerLayers } from './search/fewer-layers.ts'
import { fastestForm } from './search/forms.ts'
import { actsFirst, kindOf, learnableFor, type ModelKind, variantsFor } from './search/kind.ts'
import { couldGain, learnedVariants } from './search/learning.ts'
import { leavableIn } from './search/leavable.ts'
import type { Common } from './search/pruning.ts'
import { pursue } from './search/pursue.ts'
import { type Screened, screened } from './search/screening.ts'
import { type Search, Tests } from './search/search.ts'
import { clockOf, timedFeeds } from './search/times.ts'
import { sitesOf, usableRows } from './search/usable-rows.ts'
import { optimizeSpeech } from './speech/optimize-speech.ts'

/**
 * Finds the fastest plan for a model on a device that loses no more than is allowed: in float32 or 8 bits, packed or not, with tokens
 * pruned by the recipes of the methods, or with fewer layers. Of all that was tested on examples the fastest that holds is taken; what is
 * slower than the dense model at some sizes is left to that.
 * @throws TpError TP_DATA for too few examples, saying how many it takes; TP_OPTION; TP_ABORTED; with the code of a refusal; and what the
 * runtimes throw
 * @example
 * const plan = await optimize({ model, data: { task: 'classification', inputs }, methods, runtime, maxLoss: 0.5, minutes: 10 })
 * const fast = transform(model, ...transformsOf(plan.regimes.at(-1)?.plan, methods)).model
 */
export async function optimize(options: OptimizeOptions): Promise<OptimizedPlan> {
  const { data, maxLoss = 0.5 } = options
  if (!(maxLoss >= 0 && maxLoss <= 100)) {
    throw new TpError('TP_OPTION', 'optimize', `maxLoss is ${maxLoss}; give points of accuracy, 0 to 100`)
  }
  const { model, methods = [], encoder } = options
  const variantsOf = (kind: ModelKind): Variant[] => [...variantsFor(kind, methods), ...(options.variants ?? [])]
  if (data.task === 'asr') {
    const { inputs, decoder } = data
    const { device = options.runtime } = options
    const variants = variantsOf(kindOf(model, data.task))
    return await optimizeSpeech({ ...options, runtime: device, variants, inputs, decoder, maxLoss })
  }
  checkClasses(options)
  const inspection = inspect(model, encoder === undefined ? {} : { encoder })
  if (!inspection.ok) throw new TpError(inspection.refusal.code, 'optimize', inspection.refusal.message)
  const kind = kindOf(model, data.task, lengthOf(inspection))
  const distinct = await distinctExamples(withJudgments(data))
  const repeated = data.inputs.targets.length - distinct.targets.length
  const budget = options.minutes === undefined ? undefined : await budgetOf(options.minutes, options, distinct)
  const inputs = await examplesOf(options, data.task, distinct, budget?.most)
  requireAgreement(inputs)
  return await found({
    ...{
      ...options,
      data: { ...data, inputs } as typeof data,
      maxLoss,
      budget,
      inspection,
      repeated,
      variants: variantsOf(kind),
    },
    learnable: options.learn === undefined || !isTaught(data.task) ? [] : learnableFor(kind, methods),
  })
}

/** Whether training knows a loss for the answers. */
function isTaught(task: TaskData['task']): boolean {
  return task !== 'multi-label' && task !== 'regression'
}

/** Tokens of every input, where all have one length. */
function lengthOf({ tokens }: Inspection): number | undefined {
  return typeof tokens === 'number' ? tokens : undefined
}

/** Vectors have neither a confident bound nor a fallback; nor have scores and tags. @throws TpError TP_OPTION */
function checkClasses({ data: { task }, confident, cascade }: OptimizeOptions): void {
  if (task === 'classification' || !(confident || cascade)) return
  const what = confident ? 'a confident bound' : 'a cascade'
  const seen = {
    ...{ embeddings: 'embedded', ranking: 'ranked', tokens: 'tagged', asr: 'written down' },
    ...{ 'multi-label': 'given several labels', regression: 'estimated' },
  }[task]
  const message = `${what} is for models that give classes, and these examples are ${seen}; leave it out`
  throw new TpError('TP_OPTION', 'optimize', message)
}

/** Those of vectors with the dense model's own. */
async function examplesOf(
  options: OptimizeOptions,
  task: TaskData['task'],
  inputs: ModelInputs,
  most: number | undefined,
): Promise<ModelInputs> {
  if (task !== 'embeddings' || inputs.vectors !== undefined) return inputs
  const { runtime, model, enough, signal = enough, onProgress } = options
  await using dense = await loadModel(options, runtime, model, {})
  // A third of them confirm, in the same documents.
  const many = (inputs.search === undefined ? 1.5 : 1) * (most ?? Number.POSITIVE_INFINITY)
  return await withVectors(dense, sampleTexts(inputs, many), {
    ...(signal && { signal }),
    onProgress: (at) => onProgress?.({ stage: 'vectors', ...at }),
  })
}

const points: Readonly<Record<Exclude<TaskData['task'], 'asr'>, Figures['points']>> = {
  ...({ classification: 'accuracy', ranking: 'nDCG@10', embeddings: 'cosine', tokens: 'tags' } as const),
  ...({ 'multi-label': 'labels', regression: 'correlation' } as const),
}

/** The examples that are timed: of a search the documents, which are embedded in batches; queries come one by one. */
function timedOf(inputs: ModelInputs): ModelInputs {
  return inputs.search === undefined ? inputs : someExamples(inputs, rowsOfSearch(inputs.search).documents)
}

/** Whether people have judged the texts to embed. */
function isJudged({ pairs, search }: ModelInputs): boolean {
  return pairs !== undefined || search !== undefined
}

function pointsOf(task: Exclude<TaskData['task'], 'asr'>, { pairs, search }: ModelInputs): Figures['points'] {
  return search !== undefined ? 'nDCG@10' : pairs !== undefined ? 'Spearman' : points[task]
}

type Prepared = OptimizeOptions & {
  readonly data: Exclude<TaskData, { task: 'asr' }>
  readonly maxLoss: number
  readonly variants: readonly Variant[]
  /** Those whose methods have to learn first. */
  readonly learnable: readonly Variant[]
  readonly budget: SearchBudget | undefined
  readonly inspection: Inspection
  /** Examples that repeat another one, and are not among the data. */
  readonly repeated: number
}

/** The most examples that methods learn from where the time is not limited. */
const MOST_TO_LEARN_FROM = 1200

async function found(options: Prepared): Promise<OptimizedPlan> {
  const { model, data, runtime, device = runtime, maxLoss, confident = false, cascade = false, encoder } = options
  const { variants, learnable, budget, inspection } = options
  const pruning: Common = { ...(encoder !== undefined && { encoder }), ...options.protection }
  const measurer = new Measurer({ ...options, pruning, limitMs: budget?.limitMs })
  const packs = options.pack ?? clockOf(device) !== undefined
  // Packed models answer on the device, whose kernels may round in another way.
  const answering = { measurer, model, runtime: packs ? device : runtime }
  const inputs = await inDecidedForm(answering, data.task, data.inputs)
  const skipped: Skipped[] = []
  const onSkipped = (own: Skipped): void => {
    if (skipped.some(({ name }) => name === own.name)) return
    skipped.push(own)
    options.onSkipped?.(own)
  }
  const leavable = leavableIn(options, inspection)
  const verify = confident ? examplesToBeConfident(inputs, maxLoss) : undefined
  const learn = learnable.length === 0 ? 0 : (budget?.learn ?? MOST_TO_LEARN_FROM)
  const parts = splitOf(inputs, { most: budget?.most, look: budget?.look, verify, learn, repeated: options.repeated })
  const judge = await Judge.open(answering, parts, !confident)
  const timing = { measurer, model, device, ...(await timedFeeds(timedOf(inputs), options.shapes, budget?.positions)) }
  // A stricter bound of few queries, whose figures scatter, would find nothing.
  const isUnconfirmed = parts.confirm === undefined && inputs.ranking === undefined
  const search: Search = { judge, timing, maxLoss, confident, cascade, isUnconfirmed }
  const tests = new Tests(search)
  throwIfAborted(options.enough, 'optimize')
  // Forms are few: chance flatters none of them.
  const { base, eightBits } = await fastestForm(
    {
      ...{ ...search, isUnconfirmed: false },
      ...{ pruning, packs, onSkipped, quantize: options.quantize ?? {}, first: variants.filter(actsFirst) },
    },
    tests,
  )
  const tryVariants = async (some: readonly Variant[], from = base): Promise<readonly Screened[]> => {
    if (some.length === 0) return []
    const sites = sitesOf(model, from.variant.leaveOut, pruning)
    const rows = usableRows({ model, variants: some, sites, pruning, base: from, onSkipped })
    if (rows.length === 0) return []
    const found = await screened(search, rows, from)
    await pursue(search, found, tests)
    return found
  }
  const others = variants.filter((variant) => !actsFirst(variant))
  const untaught = await tryVariants(others)
  if (couldGain(tests.best, untaught)) {
    const { sites } = sitesOf(model, base.variant.leaveOut, pruning)
    const lessons = { learnable, sites, measurer, examples: parts.learn, choosing: parts.look, onSkipped }
    await tryVariants(await learnedVariants({ ...options, ...lessons }))
  }
  const fewer = leavable && (await withFewerLayers(search, base, leavable, tests))
  // Trained values belong to the layers of the whole model.
  if (fewer?.base !== undefined && !measurer.isLate()) await tryVariants(others, fewer.base)
  const isCutShort = measurer.isLate()
  measurer.begin('verification', 4)
  const chosen = await choose(search, tests)
  if (chosen !== undefined) measurer.found(candidateText(chosen.candidate))
  const fixedTokens = lengthOf(inspection)
  const usual = fixedTokens === undefined ? (budget?.grid ?? usualGrid(inputs)) : [{ batch: 1 }]
  const grid = options.grid ?? usual
  const cells =
    chosen === undefined || isExact(chosen.candidate.variant)
      ? []
      : await timeGrid({ measurer, model, inputs, device, grid, fixedTokens }, timedPruning(chosen))
  const { runtime: name, version, device: processor } = await device.diagnose()
  const tooFew = tooFewJudged(data)
  const figures: Figures = {
    ...{ maxLoss, points: pointsOf(data.task, inputs), confident },
    ...{ confirmed: chosen?.confirmed ?? false, examples: chosen?.examples ?? judge.examples('choosing') },
    ...(chosen !== undefined && chosen.rejected > 0 && { rejected: chosen.rejected }),
    ...(judge.temperature !== undefined && { temperature: judge.temperature }),
    ...(chosen && lossFigures(maxLoss, chosen)),
    ...(chosen && isJudged(inputs) && { cosine: 1 - (await judge.divergence(chosen.candidate)) }),
    ...(tooFew && { tooFewJudged: tooFew }),
    ...(inputs.search && { documents: rowsOfSearch(inputs.search).documents.length }),
    ...(eightBits && { eightBits }),
    ...(fewer && { leftOut: fewer.about }),
    ...(skipped.length > 0 && { skipped }),
    ...(options.repeated > 0 && { repeated: options.repeated }),
    ...(judge.hasOneAnswer && { oneAnswer: true as const }),
    ...{ data: inputs.source, tried: tests.all.length, grid: cells },
    ...(isCutShort && { isCutShort }),
    ...{ runtime: name, version, device: processor, date: new Date().toISOString() },
  }
  const chosenOn = await marksOf(parts, (chosen?.rejected ?? 0) > 0)
  return planFor(chosen, { answerForm: inputs.answerForm, cells, pruning, chosenOn, figures })
}

/**
 * The marks of the examples that chose. Documents are the same for every query: of a search its queries.
 * @param rejected whether those that confirm have ruled out a faster plan, and so chosen, too
 */
async function marksOf({ look, rest, compared, confirm, learn }: Parts, rejected: boolean): Promise<string> {
  const chose = [look, rest, compared, learn, rejected ? confirm : undefined].filter((inputs) => inputs !== undefined)
  return await joinMarks(
    chose.map((inputs) => (inputs.search ? someExamples(inputs, rowsOfSearch(inputs.search).queries) : inputs)),
  )
}

function lossFigures(
  maxLoss: number,
  { loss, speedup }: Chosen,
): Pick<Figures, 'loss' | 'expectedLoss' | 'changed' | 'contradicted' | 'speedup'> {
  return {
    ...{ loss: loss.labeled ?? loss.expected, expectedLoss: loss.expected, speedup },
    ...(loss.labeled === undefined && loss.changed && { changed: loss.changed }),
    ...(isContradicted(maxLoss, loss) && { contradicted: true }),
  }
}

function timedPruning({ candidate }: Chosen) {
  const { variant, shares, fallback } = candidate
  return {
    name: `${variant.name} ${shares.join(' ')}`,
    pruning: pruningOf(candidate),
    fallback: fallback?.share ?? 0,
  }
}

interface FoundPlan {
  readonly answerForm: AnswerForm | undefined
  readonly cells: readonly Cell[]
  readonly pruning: Common
  readonly chosenOn: string
  readonly figures: Figures
}

function planFor(
  chosen: Chosen | undefined,
  { answerForm, cells, pruning, chosenOn, figures }: FoundPlan,
): OptimizedPlan {
  const limit = denseUpTo(cells)
  // Slower than dense even at the largest size: nothing is changed, and nothing falls back.
  const isTaken = cells.length === 0 || cells.some(({ positions }) => positions > limit)
  const taken = isTaken ? chosen?.candidate : undefined
  const dense: Plan = { format: 1, method: 'none' }
  const marks = chosenOn !== '' && taken && !keepsAnswers(taken.variant) && { chosenOn }
  const own = taken && { ...planOf(taken, pruning), ...marks }
  const regimes: Regime[] =
    own === undefined
      ? [{ plan: dense }]
      : limit === 0
        ? [{ plan: own }]
        : [{ upTo: limit, plan: dense }, { plan: own }]
  const fallback = taken?.fallback
  return {
    format: 1,
    regimes,
    ...(fallback && {
      cascade: {
        uncertainty: 'probability',
        ...fallback,
        ...(answerForm && answerForm !== 'logits' && { answerForm }),
      },
    }),
    figures,
  }
}
