import { evenlySpread } from '@tp/compare'
import { TpError } from '@tp/core'
import { candidatesOf, divide, type ModelInputs, type Ranking, someExamples } from '@tp/data/inputs'
import { divideQueries } from './divide-queries.ts'
import type { Parts } from './judge.ts'
import { fewestToBeConfident } from './loss.ts'
import { rowsOfPairs } from './vectors/pair-losses.ts'
import { splitOfSearch } from './vectors/split-search.ts'

/** Numbers of examples, or of queries where candidates are ranked. */
interface Numbers {
  /** Fewer say too little to choose by. */
  readonly least: number
  /** With so many a third is kept to confirm the choice, which no choice has seen; with fewer all choose. */
  readonly many: number
  /** The most that choose: more would cost more than they gain. */
  readonly most: number
  /** With so many a third is kept to learn from, if something learns, and a third to confirm. */
  readonly learning: number
  /** That are answered first, and may rule a changed model out, about. */
  readonly look: number
}

const EXAMPLES: Numbers = { least: 60, many: 600, most: 2000, learning: 900, look: 64 }
/** The distances of vectors scatter less than right and wrong answers. */
const VECTORS: Numbers = { least: 60, many: 300, most: 2000, learning: 450, look: 64 }
const QUERIES: Numbers = { least: 40, many: 300, most: 300, learning: 450, look: 13 }

/** With so many candidates in a third of fewer queries that third is learned from, and none are kept to confirm: learning goes by pairs. */
const LEARNED_PAIRS = 300

/** The most queries by whose candidates changed models are compared. */
const COMPARED = 24

/**
 * So many candidates of a query at most show how far answers move: many queries with a few say more, and cost less, than few with a hundred
 * each.
 */
const CANDIDATES = 8

/** Examples confirm once or twice, and choose many times: so many times as many may confirm. */
const CONFIRMING = 1.5

const TURNS = ['choose', 'choose', 'confirm'] as const
const LEARNING_TURNS = ['choose', 'learn', 'confirm'] as const
const FEW_LEARNING_TURNS = ['choose', 'learn', 'choose'] as const

export interface SplitOptions {
  /** The most examples for whose choice there is time. */
  readonly most?: number | undefined
  /** The most by which candidates are compared, about. */
  readonly look?: number | undefined
  /** Examples that a confident bound takes: two fifths of all, or as many as these. */
  readonly verify?: number | undefined
  /** The most to learn from, if something learns. */
  readonly learn?: number | undefined
  /** Examples that repeat others, and are left out, for the message where too few remain. */
  readonly repeated?: number | undefined
}

/** A confident bound takes as many examples as the choice. */
const CONFIDENT_TURNS = ['confirm', 'choose', 'choose', 'confirm', 'choose'] as const

/** The share of examples that a confident bound is verified on. */
const VERIFYING: number = CONFIDENT_TURNS.filter((part) => part === 'confirm').length / CONFIDENT_TURNS.length

/** Enough for verification even if some answers differ. @throws TpError TP_OPTION, TP_DATA if even identical answers would not show it */
export function examplesToBeConfident({ targets, source }: ModelInputs, maxLoss: number): number {
  if (maxLoss === 0) {
    throw new TpError(
      'TP_OPTION',
      'optimize',
      'no number of examples can show a loss of 0 points; allow some, or do not ask for a confident bound',
    )
  }
  const fewest = fewestToBeConfident(maxLoss)
  const count = Math.floor(VERIFYING * targets.length)
  if (count >= fewest) return 2 * fewest
  const seen = `of ${targets.length} examples ${count} are to verify on, which cannot show a loss of at most ${maxLoss} ${maxLoss === 1 ? 'point' : 'points'}`
  const advice = `give at least ${Math.ceil(fewest / VERIFYING)} (${fewest} to verify on), or allow more loss`
  throw new TpError('TP_DATA', 'optimize', `${source}: ${seen} even if no answer differs; ${advice}`)
}

/**
 * Examples of each part, stratified by class; of rankings whole queries, with all of their candidates.
 * @throws TpError TP_DATA for too few examples
 */
export function splitOf(
  inputs: ModelInputs,
  { most, look: looked, verify, learn = 0, repeated = 0 }: SplitOptions = {},
): Parts {
  const { ranking, pairs, search } = inputs
  if (search !== undefined) return splitOfSearch(inputs, search, { look: looked, learn })
  const units = unitsIn(inputs)
  const numbers = ranking !== undefined ? QUERIES : inputs.vectors !== undefined ? VECTORS : EXAMPLES
  const rows = units.flat().length
  if (units.length < numbers.least) {
    const one = pairs === undefined ? 'examples' : 'pairs'
    const what = ranking === undefined ? one : 'queries with two candidates or more'
    const others = repeated === 0 ? '' : ` (${repeated} more repeat them)`
    const seen = `${units.length} ${what}${others} are too few to choose by`
    throw new TpError('TP_DATA', 'optimize', `${inputs.source}: ${seen}; give ${numbers.least} or more`)
  }
  const some = (chosen: readonly number[]): ModelInputs =>
    someExamples(
      inputs,
      chosen.flatMap((unit) => units[unit] as readonly number[]),
    )
  // Texts in pairs are divided by their first ones.
  const first = (chosen: readonly number[]): ModelInputs =>
    someExamples(
      inputs,
      chosen.map((unit) => (units[unit] as readonly number[])[0] as number),
    )
  const divided = <Part extends string>(of: readonly number[], turns: readonly Part[]): Record<Part, number[]> => {
    const parts = ranking === undefined ? divide(first(of), turns) : ofQueries(some(of), turns)
    return Object.fromEntries(
      Object.entries<readonly number[]>(parts).map(([part, places]) => [
        part,
        places.map((place) => of[place] as number),
      ]),
    ) as Record<Part, number[]>
  }
  const fewCandidates = (query: number): readonly number[] =>
    evenlySpread(units[query] as readonly number[], CANDIDATES)
  const all = [...units.keys()]
  // Scores of pairs teach nothing, so that their texts may choose as well.
  const isLearning = learn > 0 && pairs === undefined
  const turns = turnsFor(units.length, rows, { numbers, isRanked: ranking !== undefined, isLearning })
  const {
    choose,
    confirm = [],
    learn: learning = pairs !== undefined && learn > 0 && units.length >= numbers.learning ? choose : [],
  }: Partial<Record<'confirm' | 'learn', readonly number[]>> & { readonly choose: readonly number[] } = divided(
    all,
    verify === undefined ? turns : CONFIDENT_TURNS,
  )
  // Examples of whole queries, but of as many queries as it takes.
  const unitsOf = (examples: number): number => Math.floor((examples * units.length) / rows)
  const affordable = Math.max(numbers.least, unitsOf(most ?? Number.POSITIVE_INFINITY))
  const chosen = limited(choose, Math.min(affordable, numbers.most), divided)
  const every = Math.max(1, Math.floor(chosen.length / Math.min(looked ?? numbers.look, numbers.look)))
  const { look, rest } = divided(chosen, ['look', ...Array<'rest'>(every - 1).fill('rest')])
  const compared = ranking && limited(chosen, COMPARED, divided)
  const confirming = limited(confirm, Math.max(verify ?? 0, Math.min(CONFIRMING * affordable, numbers.most)), divided)
  return {
    look: some(look),
    ...(compared && { compared: someExamples(inputs, compared.flatMap(fewCandidates)) }),
    ...(rest !== undefined && rest.length > 0 && { rest: some(rest) }),
    ...(confirming.length > 0 && { confirm: some(confirming) }),
    ...(learning.length > 0 && { learn: some(limited(learning, unitsOf(learn), divided)) }),
  }
}

/** Rows that belong together: the candidates of a query, the texts of a pair, or an example alone. */
function unitsIn({ targets, ranking, pairs }: ModelInputs): readonly (readonly number[])[] {
  if (ranking !== undefined) return queriesOf(ranking)
  return pairs === undefined ? [...targets.keys()].map((row) => [row]) : rowsOfPairs(pairs)
}

/** The purposes of the examples, in turns. */
function turnsFor(
  units: number,
  rows: number,
  {
    numbers,
    isRanked,
    isLearning,
  }: { readonly numbers: Numbers; readonly isRanked: boolean; readonly isLearning: boolean },
): readonly ('choose' | 'learn' | 'confirm')[] {
  if (isLearning && units >= numbers.learning) return LEARNING_TURNS
  if (units >= numbers.many) return TURNS
  const [third, others] = [rows / 3, (2 * units) / 3]
  return isLearning && isRanked && third >= LEARNED_PAIRS && others >= numbers.least ? FEW_LEARNING_TURNS : ['choose']
}

/** At most so many, in strata. */
function limited(
  units: readonly number[],
  most: number,
  divided: (of: readonly number[], turns: readonly ('taken' | 'left')[]) => Record<'taken' | 'left', number[]>,
): readonly number[] {
  if (units.length <= most) return units
  const turns = Array.from({ length: units.length }, (_, turn): 'taken' | 'left' =>
    Math.floor(((turn + 1) * most) / units.length) > Math.floor((turn * most) / units.length) ? 'taken' : 'left',
  )
  return divided(units, turns).taken
}

function ofQueries<Part extends string>(
  inputs: ModelInputs,
  turns: readonly Part[],
): Readonly<Record<Part, readonly number[]>> {
  return divideQueries(queriesOf(inputs.ranking as Ranking), inputs, turns)
}

function queriesOf(ranking: Ranking): (readonly number[])[] {
  return [...candidatesOf(ranking).values()].filter(({ length }) => length > 1)
}
