import { type Interval, mcnemar, type Speedup } from '@tp/eval/metrics'
import { accuracyOf, agreementOf, shareRight } from '../choice.ts'
import type { Ladder } from '../ladder.ts'
import type { SubjectPlan } from '../plan.ts'
import type { Setting } from '../setting.ts'

/** A setting with everything that is known of it. */
export interface Row {
  readonly ladder: Ladder
  readonly setting: Setting
  /** Points lost where settings are chosen, and on test data. */
  readonly calibration: Interval | undefined
  readonly loss: Interval
  /** Percent. */
  readonly accuracy: Interval
  readonly agreement: number
  /** Of McNemar's test against what nothing was taken from (mid-p); of several seeds there is none. */
  readonly p: number | undefined
  /** Percent right by seed; one number where chance plays no part. */
  readonly seeds: readonly number[]
  /** Multiply-adds of the model without its dead tokens over those of this. */
  readonly flops: number
  /** Share of the tokens that enters each layer's FFN. */
  readonly kept: readonly number[] | undefined
  readonly maxTokens: number | undefined
  readonly speedup: Speedup | undefined
}

/** Every setting whose answers on test data are known, by candidate. */
export function rowsOf(plan: SubjectPlan): Row[] {
  const reference = plan.reference('test')
  if (reference === undefined) return []
  const right = shareRight([reference]).map(Boolean)
  return plan.ladders.flatMap((ladder) =>
    ladder.settings.flatMap((setting) => {
      const answers = plan.answers(ladder, setting, 'test')
      const loss = plan.loss(ladder, setting, 'test')
      const [first] = answers ?? []
      if (answers === undefined || first === undefined || loss === undefined) return []
      return {
        ladder,
        setting,
        calibration: plan.loss(ladder, setting, 'calibration'),
        loss,
        accuracy: accuracyOf(answers),
        agreement: agreementOf(answers, reference),
        p: answers.length === 1 ? mcnemar(right, shareRight(answers).map(Boolean)).p : undefined,
        seeds: answers.map(({ accuracy }) => accuracy),
        flops: reference.flops / first.flops,
        kept: first.kept,
        maxTokens: first.maxTokens,
        speedup: plan.speedupOf(plan.ladderSpeed(ladder), setting),
      }
    }),
  )
}
