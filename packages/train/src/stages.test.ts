import type { Method, Stage } from '@tp/core'
import type { ModelInputs } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { small, smallLessons } from '../test/lessons.ts'
import { thresholds } from '../test/methods.ts'
import { learnedWeights } from './learned.ts'
import { settingsOf } from './settings.ts'
import { stagesOf } from './stages.ts'
import { type Trained, type TrainOptions, train } from './train.ts'
import { type Weights, weightsOf } from './weights.ts'

const layers = [0, 1]
const runtime = nodeRuntime()
const settings = settingsOf({ epochs: 1, batchSize: 4, learningRate: 1e-4, methodRate: 1e-3, warmUp: 0 })
const stages: readonly Stage[] = [
  { name: 'first', share: 1, learns: 'method' },
  { name: 'second', share: 3, learns: 'all', terms: { task: 0 } },
]

/** Nothing that these methods learn from comes from the examples. */
const inputs: ModelInputs = {
  source: 'none',
  targets: [],
  lengths: [],
  preparationMs: undefined,
  notes: [],
  feeds: async () => ({}),
}

describe('stages', () => {
  test('follow one another by their shares, each with its own learning parts and loss', async () => {
    const method = thresholds({ stages, copies: 2 })
    const own = weightsOf(small, (name) => name.includes('classifier'))
    const learning: Weights = learnedWeights({ method, layers }, {}, settings)
    const stageOptions = { model: small, runtime, inputs, soft: { method, layers }, settings, own, learning, steps: 8 }
    await using open = stagesOf(stageOptions)
    const seen: string[] = []
    for (let step = 0; step < 8; step++) {
      const { stage, graphs } = await open.at(step)
      seen.push(stage)
      expect(graphs.copies).toBe(2)
      const all = stage === 'first' ? [...learning.keys()] : [...own.keys(), ...learning.keys()]
      expect(graphs.learning).toEqual(all)
      // A loss without the task asks for no labels.
      const { session } = await graphs.whole()
      expect(session.inputs.some(({ name }) => name === 'tp.labels')).toBe(stage === 'first')
    }
    expect(seen).toEqual(['first', 'first', ...Array.from({ length: 6 }, () => 'second')])
    // Gone on from in the middle, a training finds the stage that it was in.
    expect((await open.at(1)).stage).toBe('first')
  })

  test('train everything all the time where there are none', async () => {
    const own = weightsOf(small, (name) => name.includes('classifier'))
    await using open = stagesOf({ model: small, runtime, inputs, settings, own, learning: new Map(), steps: 3 })
    expect((await open.at(2)).graphs.learning).toEqual([...own.keys()])
  })
})

describe('a training in stages', () => {
  let options: TrainOptions
  beforeAll(async () => {
    const { inputs, teacher } = await smallLessons(16)
    options = { ...settings, model: small, runtime, inputs, teacher, trains: (_, dims) => dims.length === 1 }
  })
  const trained = (method: Method, more: Partial<TrainOptions> = {}): Promise<Trained> =>
    train({ ...options, soft: { method, layers }, ...more })
  const isMoved = ({ weights }: Trained): boolean => {
    const before = weightsOf(small, (name) => weights.has(name))
    return [...before].some(([name, { data }]) => weights.get(name)?.data.some((value, i) => value !== data[i]))
  }

  test('changes only what its stage says', async () => {
    const only = await trained(thresholds({ stages: [{ name: 'alone', share: 1, learns: 'method' }] }))
    expect(isMoved(only)).toBe(false)
    expect(only.learned.get(0)?.threshold?.data[0]).not.toBeCloseTo(0.02, 6)
    const both = await trained(thresholds({ stages }))
    expect(isMoved(both)).toBe(true)
    expect(both.progress.map(({ stage }) => stage)).toEqual(['first', 'second', 'second', 'second'])
  })

  test('limits the steps of what starts to learn later to the rate', async () => {
    const { weights } = await trained(
      thresholds({
        stages: [
          { name: 'alone', share: 3, learns: 'method' },
          { name: 'both', share: 1, learns: 'all' },
        ],
      }),
      { decay: 'linear' },
    )
    const before = weightsOf(small, (name) => weights.has(name))
    // The first step of Adam is as long as its rate, of the four steps the last: a quarter of it is left.
    const most = [...before].flatMap(([name, { data }]) =>
      Array.from(data, (value, i) => Math.abs((weights.get(name)?.data[i] as number) - value)),
    )
    expect(most.reduce((a, b) => Math.max(a, b))).toBeLessThan(1.01 * 1e-4 * 0.25)
  })

  test('keeps what it learns within its range', async () => {
    const { learned } = await trained(thresholds({ range: [0.0199, 0.0201] }), { methodRate: 0.1 })
    for (const { threshold } of learned.values()) {
      const value = threshold?.data[0] as number
      expect([0.0199, 0.0201].some((end) => Math.abs(value - end) < 1e-7)).toBe(true)
    }
  })
})
