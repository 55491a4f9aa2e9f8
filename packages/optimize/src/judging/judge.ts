import { candidatesOf, type ModelInputs } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import { type Candidate, isExact, pruningOf } from '../search/candidate.ts'
import type { Answers, Losses } from './answers.ts'
import { type AnsweredPart, leastFallbacks, lossesWith, type Offer, spared } from './cascades.ts'
import {
  type Answering,
  calibrated,
  denseAnswers,
  divergencesFrom,
  joinedLosses,
  prunedAnswers,
  uncertaintiesOf,
} from './measure-answers.ts'
import { type AnsweredExamples, haveOneAnswer } from './one-answer.ts'
import { rowsOfSearch } from './vectors/search-losses.ts'

/**
 * Examples by purpose. All of `look` and `rest` choose: a candidate that is only compared with others, or that the few of `look` rule out,
 * answers no more than these. No choice sees those of `confirm`.
 */
export interface Parts {
  readonly look: ModelInputs
  readonly rest?: ModelInputs | undefined
  /** Where candidates are ranked: a few of each of many queries; of a search: a few texts. Changed models are compared by them. Default: `look`. */
  readonly compared?: ModelInputs | undefined
  readonly confirm?: ModelInputs | undefined
  /** Those that methods learn from. */
  readonly learn?: ModelInputs | undefined
}

type Part = 'look' | 'rest' | 'compared' | 'confirm'
type Subject = Omit<Candidate, 'pace'>

const CHOOSING: readonly Part[] = ['look', 'rest']

/** The answers of changed models to examples, compared with those of the dense one. */
export class Judge {
  readonly #answering: Answering
  readonly #parts: ReadonlyMap<Part, AnsweredExamples>
  /** Divides the dense model's logits, as labels of the choosing examples say; undefined where nothing has classes. */
  readonly temperature: number | undefined

  private constructor(
    answering: Answering,
    parts: ReadonlyMap<Part, AnsweredExamples>,
    temperature: number | undefined,
  ) {
    this.#answering = answering
    this.#parts = parts
    this.temperature = temperature
  }

  /** Runs the dense model on all examples. */
  static async open(answering: Answering, parts: Parts, isCalibrated: boolean): Promise<Judge> {
    const dense: { readonly part: Part; readonly inputs: ModelInputs; readonly answers: Answers }[] = []
    for (const part of [...CHOOSING, 'compared', 'confirm'] as const) {
      const inputs = parts[part]
      if (inputs !== undefined) dense.push({ part, inputs, answers: await denseAnswers(answering, part, inputs) })
    }
    const temperature = isCalibrated ? calibrated(dense.filter(({ part }) => CHOOSING.includes(part))) : undefined
    const known = dense.map(
      ({ part, inputs, answers }) =>
        [part, { inputs, dense: { ...answers, ...(temperature !== undefined && { temperature }) } }] as const,
    )
    return new Judge(answering, new Map(known), temperature)
  }

  /** How many examples choose, or are there to confirm; of texts that people have judged how many pairs or queries. */
  examples(parts: 'choosing' | 'confirm'): number {
    const counts = this.#of(parts).map((part) => {
      const { targets, pairs, search } = this.#part(part).inputs
      if (search !== undefined) return rowsOfSearch(search).queries.length
      return pairs === undefined ? targets.length : targets.length / 2
    })
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Whether the dense model gives all examples one answer, so that they cannot tell it from a model that always gives that. */
  get hasOneAnswer(): boolean {
    return haveOneAnswer([...this.#parts.values()])
  }

  /** The losses by example of those that choose, or of those that confirm. */
  async losses(candidate: Subject, parts: 'choosing' | 'confirm' = 'choosing'): Promise<Losses> {
    const all: Losses[] = []
    for (const part of this.#of(parts)) all.push(await this.#lossesOn(candidate, part))
    return joinedLosses(all)
  }

  /** The losses on the few examples that are answered first, and the share that these are of all that choose. */
  async firstLosses(candidate: Subject): Promise<{ readonly losses: Losses; readonly share: number }> {
    const [first = 0, others = 0] = this.#of('choosing').map((part) => {
      const { targets, ranking } = this.#part(part).inputs
      return ranking === undefined ? targets.length : candidatesOf(ranking).size
    })
    return { losses: await this.#lossesOn(candidate, 'look'), share: first / (first + others) }
  }

  /** How far answers move, mean over the few examples by which candidates are compared. */
  async divergence(candidate: Subject): Promise<number> {
    const part = this.#parts.has('compared') ? 'compared' : 'look'
    const { inputs, dense } = this.#part(part)
    const answers = await this.#answers(candidate, part)
    const divergences = divergencesFrom(dense, answers, inputs)
    const { fallback } = candidate
    return mean(fallback ? spared(divergences, uncertaintiesOf(answers), fallback.threshold) : divergences)
  }

  /** The fallbacks to the dense model with which a candidate holds on all choosing examples, the fewest first. */
  async fallbacks(candidate: Subject, holds: (losses: Losses) => boolean): Promise<readonly Offer[]> {
    const parts: AnsweredPart[] = []
    for (const part of this.#of('choosing')) {
      const { inputs, dense } = this.#part(part)
      parts.push({ dense, pruned: await this.#answers(candidate, part), targets: inputs.targets })
    }
    return leastFallbacks(parts, holds)
  }

  async #lossesOn(candidate: Subject, part: Part): Promise<Losses> {
    const { inputs, dense } = this.#part(part)
    return lossesWith(dense, await this.#answers(candidate, part), inputs, candidate.fallback?.threshold)
  }

  async #answers({ variant, shares }: Subject, part: Part): Promise<Answers> {
    const { inputs, dense } = this.#part(part)
    if (isExact(variant) && inputs.vectors === undefined) return dense
    const name = `${variant.name} ${shares.join(' ')} ${part}`
    return await prunedAnswers(this.#answering, name, pruningOf({ variant, shares }), inputs)
  }

  #of(parts: 'choosing' | 'confirm'): readonly Part[] {
    return (parts === 'choosing' ? CHOOSING : (['confirm'] as const)).filter((part) => this.#parts.has(part))
  }

  #part(part: Part): AnsweredExamples {
    const found = this.#parts.get(part)
    if (found === undefined) throw new Error(`there are no examples to ${part}`)
    return found
  }
}
