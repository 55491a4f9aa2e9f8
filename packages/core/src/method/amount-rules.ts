/**
 * Rules of selection: how many tokens a site keeps, or which scores. A new rule is an entry of this table and, for the graph,
 * one of `host/select.ts`; schedules, plans, the command line, training and the conformance kit read them.
 */
export interface AmountRule {
  /** Its name in schedules, plans and on the command line. */
  readonly name: AmountName
  /** Help of the command line: the placeholder for its value, and its effect. */
  readonly letter: string
  readonly description: string
  /** The tokens that it keeps, in words: `0.5 of the tokens`. */
  readonly kept: (value: number) => string
  /** The form of a valid value, in words. */
  readonly fits: (value: number) => boolean
  readonly form: string
  /** How many tokens an example with `count` attended tokens keeps; absent where only the scores decide. */
  readonly keptCount?: (count: number, value: number) => number
  /** The value under which no token is pruned, whatever their number; absent where there is none. */
  readonly whole?: number
  /** It keeps a share of the sum of the scores, which means nothing where they may be negative. */
  readonly isShareOfScores?: true
  /** The value that keeps fewer tokens, by a factor above 1, or more, by one below it. */
  readonly scaled: (value: number, factor: number) => number
  /** A value under which some tokens are pruned and some kept, to test methods with. */
  readonly example: number
}

export type AmountKind = 'ratio' | 'tokens' | 'remove' | 'threshold' | 'mass'
export type AmountName = 'keep' | 'tokens' | 'remove' | 'threshold' | 'mass'

/** A ratio as the integer that graphs compute with. */
export function tenThousandths(ratio: number): number {
  return Math.round(ratio * 10000)
}

const scaledShare = (value: number, factor: number): number => Math.min(1, Math.max(1e-4, value / factor))

export const amountRules: Readonly<Record<AmountKind, AmountRule>> = {
  ratio: {
    name: 'keep',
    letter: 'R',
    description: 'keep ratio: the fraction of the tokens to keep, above 0 and at most 1',
    kept: (value) => `${value} of the tokens`,
    // Graphs compute with ten-thousandths: a ratio that rounds to 0 would keep nothing.
    fits: (value) => value <= 1 && tenThousandths(value) > 0,
    form: 'at least 0.00005 and at most 1',
    keptCount: (count, value) => Math.floor((count * tenThousandths(value) + 9999) / 10000),
    whole: 1,
    scaled: scaledShare,
    example: 0.5,
  },
  tokens: {
    name: 'tokens',
    letter: 'N',
    description: 'number of tokens to keep (9999: all, by force)',
    kept: (value) => `${value} tokens`,
    fits: (value) => Number.isSafeInteger(value) && value >= 1,
    form: `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`,
    keptCount: (count, value) => Math.min(value, count),
    scaled: (value, factor) => Math.max(1, Math.round(value / factor)),
    example: 4,
  },
  remove: {
    name: 'remove',
    letter: 'R',
    description: 'number of tokens to prune',
    kept: (value) => `all but ${value} tokens`,
    fits: (value) => Number.isSafeInteger(value) && value >= 0,
    form: `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
    keptCount: (count, value) => Math.max(count - value, Math.min(count, 1)),
    whole: 0,
    scaled: (value, factor) => Math.round(value * factor),
    example: 2,
  },
  threshold: {
    name: 'threshold',
    letter: 'T',
    description: 'keep tokens whose score is at least T',
    kept: (value) => `tokens with a score of at least ${value}`,
    // Scores are float32, where a larger number is infinite.
    fits: (value) => Number.isFinite(Math.fround(value)),
    form: 'a finite number, as float32 has them',
    // Of scores below 0, which are logarithms or such, a multiple would move the wrong way, or not at all.
    scaled: (value, factor) => (value > 0 ? value * factor : value + Math.log2(factor)),
    example: 0.05,
  },
  mass: {
    name: 'mass',
    letter: 'M',
    description: 'keep the fewest tokens that hold the share M of the scores',
    kept: (value) => `the tokens that hold ${value} of the scores`,
    fits: (value) => value > 0 && value <= 1,
    form: 'above 0 and at most 1',
    isShareOfScores: true,
    scaled: scaledShare,
    example: 0.7,
  },
}

/** The kinds of amounts, in the order of the table. */
export const amountKinds: readonly AmountKind[] = Object.keys(amountRules) as AmountKind[]

/** Names of the rules in schedules, in the same order. */
export const amountNames: readonly AmountName[] = amountKinds.map((kind) => amountRules[kind].name)

/** Those of the rules that keep a number of tokens that is known without scores: `keep, tokens or remove`. */
export function countedAmounts(): string {
  return amountsWhere(({ keptCount }) => keptCount !== undefined)
}

/** Some of the rules, as alternatives in a sentence. */
export function amountsWhere(fits: (rule: AmountRule) => boolean): string {
  const names = Object.values(amountRules).flatMap((rule) => (fits(rule) ? [rule.name] : []))
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
