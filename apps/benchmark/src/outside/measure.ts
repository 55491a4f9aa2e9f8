import {
  type Classification,
  changesFromDense,
  compareRankings,
  comparerOf,
  type Outcome,
  processorMs,
  type RankingEvaluation,
  timeInTurns,
  withSessions,
} from '@tp/compare'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { candidatesOf, type ModelInputs, someExamples } from '@tp/data/inputs'
import { type Figure, figureInterval, figureLoss, type Interval, scaledInterval } from '@tp/metrics'
import type { OutsideData } from './data.ts'
import type { EvidenceRow, RowSpeeds, Speeds } from './evidence.ts'
import type { Openers } from './open-case.ts'
import { shuffled } from './shuffled.ts'

/** Examples of a batch while answers are compared. */
const BATCH = 16

export type RowAnswers = Pick<
  EvidenceRow,
  'metric' | 'quality' | 'loss' | 'expectedLoss' | 'changed' | 'ranking' | 'similarity'
>

/** Compares answers to test data with those of the dense model, which is run once. */
export class AnswerMeter {
  readonly #data: OutsideData
  readonly #dense: Outcome
  /** Then lengths of all vectors of a text together say nothing. */
  readonly #isByToken: boolean

  private constructor(data: OutsideData, dense: Outcome) {
    this.#data = data
    this.#dense = dense
    this.#isByToken = data.task === 'embeddings' && data.byToken === true
  }

  static async open(data: OutsideData, dense: Session): Promise<AnswerMeter> {
    return new AnswerMeter(data, await comparerOf(data as TaskData).run(dense, { batchSize: BATCH }))
  }

  dense(): RowAnswers {
    const { content } = comparerOf(this.#data as TaskData).dense(this.#dense)
    return { ...qualityIn(content), ...this.#ranks([this.#dense]) }
  }

  async measure(open: Openers): Promise<RowAnswers> {
    const comparer = comparerOf(this.#data as TaskData)
    const outcomes: Outcome[] = []
    for (const one of open) {
      await using session = await one()
      outcomes.push(await comparer.run(session, { batchSize: BATCH }))
    }
    const [first, ...others] = outcomes as [Outcome, ...Outcome[]]
    const { content, loss } = comparer.pruned([first, ...others], this.#dense)
    return {
      ...qualityIn(content, loss?.interval),
      ...(loss && { loss: loss.interval }),
      ...(first.task === 'classification' && this.#classes(first as Classification)),
      ...(first.task === 'ranking' && this.#ranks(outcomes)),
      ...((first.task === 'tokens' || (first.task === 'embeddings' && !this.#isByToken)) && {
        similarity: comparer.nearness(first, this.#dense).similarity,
      }),
    }
  }

  #classes(own: Classification): Pick<EvidenceRow, 'expectedLoss' | 'changed'> {
    const { expectedLoss, changed } = changesFromDense(own, this.#dense as Classification)
    return { expectedLoss, changed }
  }

  #ranks(outcomes: readonly Outcome[]): Pick<EvidenceRow, 'ranking'> {
    const { ranking } = this.#data.inputs
    if (ranking === undefined || this.#data.task !== 'ranking') return {}
    const dense = this.#dense as RankingEvaluation
    const own = outcomes as readonly RankingEvaluation[]
    const before = reciprocalRanks(dense, this.#data.inputs)
    const all = own.map((one) => reciprocalRanks(one, this.#data.inputs))
    const after = before.map((_, query) => meanOf(all.map((ranks) => ranks[query] as number)))
    const near = compareRankings(own[0] as RankingEvaluation, dense, ranking)
    return {
      ranking: {
        mrr: scaledInterval(figureInterval(asFigure(after)), 100),
        mrrLoss: scaledInterval(figureLoss(asFigure(before), asFigure(after)), 100),
        rankCorrelation: figureInterval(near.rankCorrelation),
        top10: figureInterval(near.top),
      },
    }
  }
}

/** The first relevant candidate on the second rank halves the figure of a query. */
function asFigure(got: readonly number[]): Figure {
  return { got, share: true, rare: 0.5 }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** One over the rank of the first relevant candidate, of queries that have one; equal scores stay in the order of the first stage. */
function reciprocalRanks({ scores }: Pick<RankingEvaluation, 'scores'>, { ranking }: ModelInputs): number[] {
  if (ranking?.relevance === undefined) return []
  const { relevance } = ranking
  return [...candidatesOf(ranking).values()].flatMap((rows) => {
    const order = rows.toSorted((a, b) => (scores[b] as number) - (scores[a] as number))
    const rank = order.findIndex((row) => (relevance[row] as number) > 0)
    return rank < 0 ? [] : [1 / (rank + 1)]
  })
}

const METRICS: Readonly<Record<string, string>> = {
  ...{ accuracy: 'accuracy', ndcg: 'nDCG@10', ndcg10: 'nDCG@10', spearman: "Spearman's correlation", f1: 'F1' },
}

const NOTHING: Interval = { estimate: 0, low: 0, high: 0 }

/** The main figure of a comparison's content, in percent. */
function qualityIn(content: object, loss: Interval = NOTHING): Pick<EvidenceRow, 'metric' | 'quality'> {
  // Documents and queries of a search may be of different models; here they are of one.
  const own = content as Readonly<Record<string, unknown>>
  const fields = (own.both ?? own) as Readonly<Record<string, unknown>>
  for (const name of ['f1', 'ndcg', 'ndcg10', 'spearman'] as const) {
    if (fields[name]) return { metric: METRICS[name] as string, quality: fields[name] as Interval }
  }
  const { accuracy, low, high } = fields as Readonly<Record<'accuracy' | 'low' | 'high', number>>
  // Tags of a kind that nobody has given: those of the published model are all that is known.
  if (accuracy === undefined) {
    const quality = { estimate: 100 - loss.estimate, low: 100 - loss.high, high: 100 - loss.low }
    return { metric: 'F1 of the tags as published', quality }
  }
  return { metric: 'accuracy', quality: { estimate: accuracy, low, high } }
}

/** The examples that are timed, and the first one's place: of a search the documents, which are embedded in batches; queries come one by one. */
export function timedPart(data: OutsideData): { readonly inputs: ModelInputs; readonly first: number } {
  const { inputs } = data
  const judged = data.task === 'embeddings' ? data.judged : undefined
  const first = judged === undefined || 'scores' in judged ? 0 : judged.queryCount
  return { inputs: someExamples(inputs, [...inputs.targets.keys()].slice(first)), first }
}

/** The positions of {@link timedBatches}. */
export function timedRows(
  { lengths, targets }: Pick<ModelInputs, 'lengths' | 'targets'>,
  sizes: readonly number[],
): ReadonlyMap<string, readonly (readonly number[])[]> {
  const order = shuffled([...targets.keys()], 3)
  const most = Math.max(...sizes)
  const counts = new Map([
    [1, 8],
    [most, most],
  ])
  const batchesOf = (rows: readonly number[], size: number): number[][] =>
    Array.from({ length: Math.floor(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
  const batches = new Map<string, readonly (readonly number[])[]>(
    sizes.map((size) => [`${size}`, batchesOf(order.slice(0, counts.get(size) ?? 2 * size), size)]),
  )
  if (lengths !== undefined) {
    const sorted = order.slice(0, 8 * most).toSorted((a, b) => (lengths[a] as number) - (lengths[b] as number))
    batches.set(`${most} sorted`, batchesOf(sorted, most).slice(4, 5))
  }
  return batches
}

/** Batches of examples as they come, drawn once for all models, and of 32 sorted by length. */
export async function timedBatches(
  inputs: ModelInputs,
  sizes: readonly number[],
): Promise<ReadonlyMap<string, readonly NamedTensors[]>> {
  const batches = new Map<string, readonly NamedTensors[]>()
  for (const [name, rows] of timedRows(inputs, sizes)) {
    batches.set(name, await Promise.all(rows.map((batch) => inputs.feeds(batch))))
  }
  return batches
}

/** Milliseconds for each kind of batch, and the fewest rounds of it. */
const [TIMING_MS, ROUNDS] = [3000, 5]

/** Opens a model with so many threads. */
export type Opener = (threads: number) => Promise<Session>

/**
 * Times a model in turns with the dense one: on one thread by time of the processor, on several by the clock.
 * @param plain opens the same file without the operators, which is timed on one thread
 */
export async function speedsOf(
  dense: Opener,
  { own, plain }: { readonly own: Opener; readonly plain?: Opener | undefined },
  { threads, batches }: { readonly threads: number; readonly batches: ReadonlyMap<string, readonly NamedTensors[]> },
): Promise<RowSpeeds> {
  if (own === dense) return { speed: Object.fromEntries([...batches.keys()].map((name) => [name, [1, 1, 1] as const])) }
  const isPlain = plain !== undefined && threads === 1
  const open = [dense, own, ...(isPlain ? [plain] : [])].map((one) => () => one(threads))
  const clock = threads === 1 ? processorMs : undefined
  const speeds: Record<string, Speeds[string]>[] = [{}, {}, {}]
  await withSessions(open, async (sessions) => {
    for (const [name, feeds] of batches) {
      const how = { clock, budgetMs: TIMING_MS, leastRounds: ROUNDS, rounds: 30 }
      for (const [i, { speedup }] of (await timeInTurns(sessions, feeds, how)).latencies.entries()) {
        speeds[i] = { ...speeds[i], [name]: [speedup.value, speedup.low, speedup.high] }
      }
    }
  })
  const [, speed, speedPlain] = speeds as [Speeds, Speeds, Speeds]
  return { speed, ...(isPlain && { speedPlain }) }
}
