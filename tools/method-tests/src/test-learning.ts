import type { Method, Schedule } from '@tp/core'
import { valuesOf } from '@tp/core/host'
import type { TrainSettings } from '@tp/train'
import { expect, test } from 'vitest'
import { average, learn, mailLesson, prunedLogits } from './mail-training.ts'

/** Options of {@link testLearning}. */
export interface LearningOptions {
  readonly layers?: readonly number[]
  readonly targetFlops?: number
  readonly settings?: TrainSettings
  /** Where tokens are pruned afterwards; default: as the method says. */
  readonly schedule?: Schedule
  /** The last losses are below this share of the first. */
  readonly falls?: number
  /** Of the test: `exhaustive` where another test of every day trains the method. */
  readonly tags?: string[]
}

/**
 * A test: trained for a moment, the loss falls, and the pruned model runs, a mail with others
 * as by itself.
 */
export function testLearning(method: Method, options: LearningOptions = {}): void {
  const { layers = [1, 3], targetFlops, settings, schedule, falls = 0.9, tags = [] } = options
  test('learns on mails, and its pruned file answers a mail in a batch as alone', {
    timeout: 60_000,
    tags,
  }, async () => {
    const lesson = await mailLesson(32)
    const { lengths } = lesson.inputs
    const { trained, seen } = await learn(lesson, method, {
      layers,
      ...settings,
      ...(targetFlops !== undefined && { targetFlops }),
    })
    const losses = seen.map(({ loss }) => loss)
    expect(average(losses.slice(-4))).toBeLessThan(falls * average(losses.slice(0, 4)))

    const hardened = schedule ?? method.training?.harden?.(trained.learned, { layerCount: 6, lengths }) ?? new Map()
    const params = (layer: number) => valuesOf(method, trained.learned.get(layer) ?? {}, layer)
    const { together, alone } = await prunedLogits(lesson, trained.model, { method, schedule: hardened, params })
    together.forEach((logit, i) => {
      expect(Math.abs(logit - (alone[i] as number))).toBeLessThan(1e-4)
    })
  })
}
