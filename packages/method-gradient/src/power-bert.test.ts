import { testMethod } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { average, learn, mailLesson, prunedLogits } from '../test/mail-training.ts'
import { run } from '../test/run.ts'
import { powerBert } from './index.ts'

testMethod(powerBert(), { run })

test('learns on mails; the pruned file runs, alone as in a batch', { timeout: 60_000 }, async () => {
  const lesson = await mailLesson()
  const method = powerBert()
  const { trained, seen } = await learn(lesson, method, { targetFlops: 0.6 })
  const schedule = method.training?.harden?.(trained.learned, lesson.inputs.lengths) ?? new Map()
  const losses = seen.map(({ loss }) => loss)
  expect(average(losses.slice(-8))).toBeLessThan(0.7 * average(losses.slice(0, 8)))
  const { together, alone } = await prunedLogits(lesson, trained.model, { method, schedule })
  together.forEach((logit, i) => expect(logit).toBeCloseTo(alone[i] as number, 4))
})
