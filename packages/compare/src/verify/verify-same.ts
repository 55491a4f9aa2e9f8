import type { NamedTensors, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { inputRoles } from '../inputs/input-shapes.ts'
import { type Answer, answersTo } from './answers.ts'
import { type Comparison, compareAnswers } from './compare-answers.ts'
import { denseSession } from './dense-session.ts'
import { requireFinite, requireFiniteDense, requireSameShapes } from './differences.ts'
import { requireZeroPadding } from './padding-rows.ts'
import { type Trial, trialsFor } from './trials.ts'

export interface VerifyOptions {
  /** The model that was changed, … */
  readonly source: Model
  /** … a session of it, … */
  readonly dense: Session
  /** … and one of what it was changed to. */
  readonly changed: Session
  readonly signal?: AbortSignal | undefined
}

/** The answers of two models to the same examples, in the same order. */
export interface BothAnswers {
  readonly dense: readonly Answer[]
  readonly changed: readonly Answer[]
}

/**
 * Verifies without data that a changed model answers as its source does: packed, losslessly pruned, or with all tokens kept. Both run random
 * examples of unequal lengths, each alone, in a batch, and padded on the right and on the left. Where the source itself does not answer as
 * alone, nothing is compared; a file in 8 bits is held to what its own answers change by.
 * @returns how far the answers are apart, and in which arrangements they were compared
 * @throws TpError TP_VERIFY where they differ by more than rounding, or are not finite; TP_DENSE where the source itself does not hold;
 * TP_INPUT for inputs that cannot be generated
 */
export async function verifySame(options: VerifyOptions): Promise<Comparison> {
  const { dense, changed } = await answersOfBoth(options)
  return compareAnswers(changed, dense, { source: options.source, when: 'changed' })
}

/**
 * The answers of a model and of one that was made from it, see {@link verifySame}. All outputs of both are finite, and have the same shapes.
 * @throws TpError TP_VERIFY, TP_DENSE, TP_INPUT
 */
export async function answersOfBoth({ source, dense, changed, signal }: VerifyOptions): Promise<BothAnswers> {
  const trials = trialsFor(source, inputRoles(source))
  const runs: NamedTensors[] = []
  const before = await answersTo(denseSession(dense), trials, {
    signal,
    check: (outputs) => {
      requireFiniteDense(outputs)
      runs.push(outputs)
    },
  })
  const after = await answersTo(changed, trials, {
    signal,
    check: (outputs, trial) => {
      const expected = runs[trial] as NamedTensors
      requireFinite(outputs, expected)
      requireSameShapes(outputs, expected)
      requireZeroPadding(outputs, expected, trials[trial] as Trial)
    },
  })
  return { dense: before, changed: after }
}
