import { randomNumbers } from '@tp/core/statistics'
import { expectedLosses, largest, logitRowsOf, mean, temperatureOf, upperMean } from '@tp/metrics'
import type { HiddenLabels } from './hidden-labels.ts'

/** Losses of a setting, in points by example. */
interface Losses {
  /** By the dense model's probabilities, calibrated by the labels of the examples. */
  readonly calibrated: readonly number[]
  /** By its probabilities as they are. */
  readonly expected: readonly number[]
  /** 100 where the answer is another one. */
  readonly changed: readonly number[]
}

/** The one-sided confidence of the bound that a setting is chosen by, as in `tp optimize`. */
const CHOSEN_AT = 0.8

const upper = (losses: readonly number[]): number => upperMean(losses, CHOSEN_AT)

/** Numbers that may be compared with the allowed loss. */
export type RuleName =
  | 'calibrated by labels'
  | 'expected'
  | 'half of the answers changed'
  | 'the larger of both'
  | 'answers changed'

export const rules: Readonly<Record<RuleName, (losses: Losses) => number>> = {
  'calibrated by labels': ({ calibrated }) => upper(calibrated),
  expected: ({ expected }) => upper(expected),
  'half of the answers changed': ({ changed }) => upper(changed) / 2,
  'the larger of both': ({ expected, changed }) => Math.max(upper(expected), upper(changed) / 2),
  'answers changed': ({ changed }) => upper(changed),
}

/** How a rule did over all draws. */
export interface RuleOutcome {
  /** Speed of what was chosen relative to the fastest setting that truly holds, mean over the draws. */
  readonly speed: number
  /** Share of the draws in which what was chosen truly loses half a point more than is allowed. */
  readonly wrong: number
}

const DRAWS = 300
const DRAWN = 200
const MARGIN = 0.5

/** Points that each setting loses over all examples, by calibrated probabilities. */
export function trueLosses({ dense, targets, settings }: HiddenLabels): number[] {
  const temperature = temperatureOf(dense, targets)
  return settings.map(({ answers }) => mean(expectedLosses(dense, answers, temperature)))
}

/**
 * Draws some examples many times, and each time chooses the fastest setting whose bound on these is within an allowed loss.
 * @returns by rule, an outcome for each limit
 */
export function tryRules(hidden: HiddenLabels, limits: readonly number[]): Record<RuleName, RuleOutcome[]> {
  const { targets, settings } = hidden
  const truth = trueLosses(hidden)
  const best = limits.map((limit) => fastest(settings, (i) => (truth[i] as number) <= limit).speed)
  const names = Object.keys(rules) as RuleName[]
  const random = randomNumbers(7)
  const draws = Array.from({ length: DRAWS }, () => {
    const losses = lossesOn(hidden, drawn(targets.length, random), targets)
    return names.map((name) => {
      const bounds = losses.map(rules[name])
      return limits.map((limit, at) => {
        const { speed, index } = fastest(settings, (i) => (bounds[i] as number) <= limit)
        return { speed: speed / (best[at] as number), wrong: Number((truth[index ?? -1] ?? 0) > limit + MARGIN) }
      })
    })
  })
  const outcomeOf = (rule: number, limit: number): RuleOutcome => {
    const all = draws.map((draw) => draw[rule]?.[limit] as RuleOutcome)
    return { speed: mean(all.map(({ speed }) => speed)), wrong: mean(all.map(({ wrong }) => wrong)) }
  }
  const byRule = names.map((name, rule) => [name, limits.map((_, limit) => outcomeOf(rule, limit))] as const)
  return Object.fromEntries(byRule) as Record<RuleName, RuleOutcome[]>
}

/** The fastest of those that hold; without one the dense model. */
function fastest(
  settings: HiddenLabels['settings'],
  holds: (index: number) => boolean,
): { readonly speed: number; readonly index?: number } {
  let found: { readonly speed: number; readonly index?: number } = { speed: 1 }
  for (const [index, { speedup }] of settings.entries()) {
    if (speedup > found.speed && holds(index)) found = { speed: speedup, index }
  }
  return found
}

/** Positions without replacement: 200, or half of them. */
function drawn(count: number, random: () => number): number[] {
  const all = Array.from({ length: count }, (_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at)
  return all.slice(0, Math.min(DRAWN, Math.floor(count / 2))).map(({ i }) => i)
}

function lossesOn({ dense, settings }: HiddenLabels, rows: readonly number[], targets: readonly number[]): Losses[] {
  const all = logitRowsOf(dense)
  const some = {
    classes: dense.classes,
    logits: Float32Array.from(rows.flatMap((row) => [...(all[row] as Float32Array)])),
  }
  const own = logitRowsOf(some).map(largest)
  const temperature = temperatureOf(
    some,
    rows.map((row) => targets[row] as number),
  )
  return settings.map(({ answers }) => {
    const others = rows.map((row) => answers[row] as number)
    return {
      calibrated: expectedLosses(some, others, temperature),
      expected: expectedLosses(some, others),
      changed: others.map((answer, i) => (answer === own[i] ? 0 : 100)),
    }
  })
}
