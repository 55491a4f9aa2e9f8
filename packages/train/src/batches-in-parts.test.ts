import type { Method } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { small, smallLessons } from '../test/lessons.ts'
import { anyNumber, policy, thresholds } from '../test/methods.ts'
import { type Trained, type TrainingWork, type TrainOptions, train } from './index.ts'

const runtime = nodeRuntime()
const layers = [0, 1]
let options: TrainOptions
beforeAll(async () => {
  const { inputs, teacher } = await smallLessons(12)
  options = {
    ...{ model: small, runtime, inputs, teacher },
    ...{ epochs: 1, batchSize: 6, learningRate: 1e-4, methodRate: 0.01, warmUp: 0 },
  }
})

/** Few enough for one example of this data, with its copies, in each part. */
const ONE_BY_ONE = 24

/** The same training with whole batches, and with the examples one by one. */
async function inBothWays(more: Partial<TrainOptions>): Promise<[whole: Trained, parts: Trained, TrainingWork[]]> {
  const work: TrainingWork[] = []
  const whole = await train({ ...options, ...more })
  const onWork = (at: TrainingWork): void => void (at.task === 'step' && work.push(at))
  return [whole, await train({ ...options, ...more, passTokens: ONE_BY_ONE, onWork }), work]
}

function expectSameNumbers(whole: Trained, parts: Trained): void {
  expect(parts.progress).toHaveLength(whole.progress.length)
  whole.progress.forEach((at, i) => {
    for (const name of ['loss', 'gradientNorm', 'kept', 'flops'] as const) {
      const [expected, seen] = [at[name], parts.progress[i]?.[name]]
      if (expected === undefined) expect(seen).toBeUndefined()
      else expect(Math.abs((seen as number) / expected - 1), `${name} of step ${at.step}`).toBeLessThan(1e-3)
    }
  })
}

describe('a batch in parts has the loss and the gradients of the whole', () => {
  const soft = (method: Method, targetFlops?: number): Partial<TrainOptions> => ({
    soft: { method, layers, ...(targetFlops !== undefined && { targetFlops }) },
  })
  const cases: Readonly<Record<string, Partial<TrainOptions>>> = {
    'of labels and the dense model': {},
    'of a method with noise': soft(thresholds({ site: 'input' }), 0.6),
    'of copies with ratios of their own': soft(anyNumber, 0.7),
    'of a policy that aims at a share': soft(policy, 0.6),
  }
  const everyDay = new Set(['of labels and the dense model', 'of a policy that aims at a share'])
  for (const [name, more] of Object.entries(cases)) {
    test(name, { tags: everyDay.has(name) ? [] : 'exhaustive' }, async () => {
      const [whole, parts, work] = await inBothWays(more)
      expectSameNumbers(whole, parts)
      // Every example is a part; where the share of all has to be known, there is one more run of each.
      const examples = 6 / (more.soft?.method.training?.copies ?? 1)
      const runs = (more.soft?.targetFlops === undefined ? 1 : 2) * examples
      const inside = Array.from({ length: runs - 1 }, (_, i) => (i + 1) / runs)
      expect(work).toEqual(
        whole.progress.flatMap(({ step, steps }) =>
          inside.map((part) => ({ task: 'step', done: expect.closeTo(step - 1 + part, 8), total: steps })),
        ),
      )
    })
  }
})

test('refuses no tokens at once', async () => {
  await expect(train({ ...options, passTokens: 0 })).rejects.toMatchObject({ code: 'TP_OPTION' })
})
