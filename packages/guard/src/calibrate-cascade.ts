import { TpError } from '@tp/core'
import type { AnswerForm } from '@tp/core/runtime'
import { fewestTrials, mostFailures, upperBound } from '@tp/core/statistics'
import { answerOf, type Uncertainty, uncertaintyOf } from './answer.ts'

/** Logits of one model for the calibration's inputs, row by row. */
export type LogitRows = readonly ArrayLike<number>[]

export interface CascadeCalibration {
  /** Of the pruned model, and of the dense one for the same inputs in the same order. */
  readonly pruned: LogitRows
  readonly dense: LogitRows
  /** Share of the inputs whose final answer is the dense model's, below 1. */
  readonly agreement: number
  /**
   * Probability, below 1, that a calibration set drawn as this one was gives a threshold that keeps the promise. `mean`:
   * the promise is kept on average over calibration sets, which fewer examples are enough for. Default 0.95.
   */
  readonly confidence?: number | 'mean' | undefined
  /** Default `probability`. */
  readonly uncertainty?: Uncertainty | undefined
  /** The form of the numbers that the models themselves give, for `cascade`, which reads them. Default `logits`. */
  readonly answerForm?: AnswerForm | undefined
  /** How many times as fast as the dense model the pruned one is, to say what the cascade costs. */
  readonly speedup?: number | undefined
}

/** A threshold, and what it rests on. JSON. */
export interface CalibratedCascade {
  readonly uncertainty: Uncertainty
  /** The form of the answers; absent: logits. */
  readonly answerForm?: AnswerForm
  /** Inputs at least this uncertain fall back to the dense model. `null`: only those whose logits are not numbers. */
  readonly threshold: number | null
  readonly agreement: number
  readonly confidence: number | 'mean'
  readonly examples: number
  /** Examples that the pruned model alone answers otherwise than the dense one. */
  readonly disagreements: number
  /** Of them, those below the threshold. */
  readonly remaining: number
  /** Share of inputs that falls back, with limits that hold with 95 % probability for whatever threshold was chosen. */
  readonly share: Estimate
  /** Given a speed-up: time for an input over the dense model's, `1 / speedup + share`. */
  readonly cost?: Estimate & { readonly speedup: number }
}

export interface Estimate {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/**
 * The highest threshold at which the answers of a cascade may be promised to be the dense model's.
 *
 * An input fails if it is less uncertain than the threshold and its pruned answer is not the dense one. The higher the
 * threshold, the more inputs fail, so thresholds can be tested one after the other from the safest on, at full level each,
 * until the first that cannot be shown to be good enough (fixed-sequence testing: Angelopoulos et al., Learn then Test,
 * arXiv:2110.01052; Bates et al., arXiv:2101.02703). The test is exact: with n examples a rate above 1 − agreement is ruled
 * out by k failures if P(Binomial(n, 1 − agreement) ≤ k) ≤ 1 − confidence. With `mean` it is conformal risk control
 * (Angelopoulos et al., arXiv:2208.02814): k + 1 ≤ (n + 1)·(1 − agreement).
 *
 * Both hold for inputs that come as the examples do, and for no others.
 *
 * @throws TpError TP_OPTION; TP_CALIBRATION if there are too few examples for the promise, saying how many it takes
 */
export function calibrateCascade(calibration: CascadeCalibration): CalibratedCascade {
  const { agreement, confidence = 0.95, uncertainty = 'probability', answerForm, speedup } = calibration
  const failing = failingUncertainties(calibration, uncertainty)
  const allowed = allowedFailures(failing.all.length, agreement, confidence)
  // The allowed number of failures is below it, however many inputs are as uncertain as the next one.
  const threshold = failing.sorted[allowed] ?? null
  const limit = threshold ?? Number.POSITIVE_INFINITY
  const fallback = failing.all.filter((value) => value >= limit).length
  const share = uniformly(fallback / failing.all.length, failing.all.length)
  return {
    uncertainty,
    ...(answerForm !== undefined && answerForm !== 'logits' && { answerForm }),
    threshold,
    agreement,
    confidence,
    examples: failing.all.length,
    disagreements: failing.sorted.length,
    remaining: failing.sorted.filter((value) => value < limit).length,
    share,
    ...(speedup !== undefined && { cost: { speedup, ...expectedCost(share, speedup) } }),
  }
}

/** Time for an input over the dense model's: every one is run pruned, and the given share on the dense model as well. */
export function expectedCost({ estimate, low, high }: Estimate, speedup: number): Estimate {
  if (!(speedup > 0)) throw new TpError('TP_OPTION', 'guard', `speedup is ${speedup}; it is a factor above 0`)
  const cost = (share: number): number => 1 / speedup + share
  return { estimate: cost(estimate), low: cost(low), high: cost(high) }
}

/**
 * The evidence for the promise from a count on examples that had no part in the calibration: how many answers are the dense
 * model's, and the least share that holds for all, with the given confidence.
 */
export function agreementBound(disagreements: number, examples: number, confidence = 0.95): Omit<Estimate, 'high'> {
  return { estimate: 1 - disagreements / examples, low: 1 - upperBound(disagreements, examples, confidence) }
}

/**
 * The uncertainties of all examples, and of those with another answer than the dense model's, ascending. Without a number
 * there is no answer, and they fall back in any case.
 */
function failingUncertainties(
  { pruned, dense }: CascadeCalibration,
  kind: Uncertainty,
): { readonly all: number[]; readonly sorted: number[] } {
  if (pruned.length !== dense.length || pruned.length === 0) {
    const seen = `${pruned.length} answers of the pruned model and ${dense.length} of the dense one`
    throw new TpError('TP_OPTION', 'guard', `${seen} cannot be compared; run both on the same examples`)
  }
  const all = pruned.map((logits) => uncertaintyOf(logits, kind))
  const fails = (i: number): boolean =>
    Number.isFinite(all[i]) && answerOf(pruned[i] as ArrayLike<number>) !== answerOf(dense[i] as ArrayLike<number>)
  return { all, sorted: all.filter((_, i) => fails(i)).sort((a, b) => a - b) }
}

function allowedFailures(examples: number, agreement: number, confidence: number | 'mean'): number {
  if (!(agreement > 0 && agreement < 1)) {
    throw new TpError('TP_OPTION', 'guard', `agreement is ${agreement}; it must be above 0 and below 1`)
  }
  if (confidence !== 'mean' && !(confidence > 0 && confidence < 1)) {
    throw new TpError('TP_OPTION', 'guard', `confidence is ${confidence}; it must be above 0 and below 1, or "mean"`)
  }
  const rate = 1 - agreement
  const allowed =
    confidence === 'mean' ? Math.floor((examples + 1) * rate + 1e-9) - 1 : mostFailures(examples, rate, confidence)
  if (allowed >= 0) return allowed
  const fewest = confidence === 'mean' ? Math.ceil(1 / rate - 1e-9) - 1 : fewestTrials(rate, confidence)
  const promise = `${percent(agreement)} agreement ${confidence === 'mean' ? 'on average' : `at ${percent(confidence)} confidence`}`
  throw new TpError(
    'TP_CALIBRATION',
    'guard',
    `${examples} examples cannot show ${promise}, even if none failed; give at least ${fewest}, or promise less`,
  )
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`
}

/**
 * A share that was counted above a threshold which was chosen on the same examples: limits that hold for all thresholds
 * at once with 95 % probability (Dvoretzky, Kiefer and Wolfowitz; Massart 1990).
 */
function uniformly(share: number, examples: number): Estimate {
  const half = Math.sqrt(Math.log(2 / 0.05) / (2 * examples))
  return { estimate: share, low: Math.max(0, share - half), high: Math.min(1, share + half) }
}
