import { prune, transform } from '@tp/compiler'
import { isTpError, schedule, TpError } from '@tp/core'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { small, smallLessons } from '../test/lessons.ts'
import { anyNumber, thresholds } from '../test/methods.ts'
import { flopsMeasure } from './fit-schedule.ts'
import { type LearnedPruning, type LearnOptions, learnPruning, type TrainingPart } from './learn.ts'
import type { TrainProgress } from './step.ts'

const runtime = nodeRuntime()
const layers = [0, 1]
let options: LearnOptions
beforeAll(async () => {
  const { inputs, teacher } = await smallLessons(16)
  options = {
    ...{ model: small, runtime, inputs, selection: inputs, teacher },
    ...{ epochs: 1, batchSize: 4, learningRate: 1e-4, methodRate: 0.01, evaluations: 2 },
    soft: { method: thresholds(), layers, targetFlops: 0.6 },
  }
})

interface Watched {
  readonly result: LearnedPruning
  readonly seen: readonly (TrainProgress & { readonly part: TrainingPart })[]
  readonly checkpoints: readonly (readonly [TrainingPart, Uint8Array])[]
}

async function watched(more: Partial<LearnOptions> = {}): Promise<Watched> {
  const seen: (TrainProgress & { readonly part: TrainingPart })[] = []
  const checkpoints: [TrainingPart, Uint8Array][] = []
  const result = await learnPruning({
    ...options,
    onProgress: (at, part) => seen.push({ ...at, part }),
    onCheckpoint: (bytes, part) => void checkpoints.push([part, bytes]),
    ...more,
  })
  return { result, seen, checkpoints }
}

const sameModels = (a: LearnedPruning, b: LearnedPruning): boolean =>
  Buffer.compare(encodeModel(a.model), encodeModel(b.model)) === 0

describe('soft training and fine-tuning', () => {
  let whole: Watched
  beforeAll(async () => {
    whole = await watched()
  })

  test('end in a model with the requested fraction of the FLOPs', async () => {
    const { result, seen } = whole
    expect(seen.map(({ part }) => part)).toEqual([...Array(4).fill('soft'), ...Array(4).fill('hard')])
    expect(
      seen.every(({ part, flops, kept }) => (part === 'soft') === (flops !== undefined && kept !== undefined)),
    ).toBe(true)
    expect([...result.soft.progress, ...(result.hard?.progress ?? [])]).toEqual(seen.map(({ part: _, ...at }) => at))
    expect(result.flops).toBeLessThanOrEqual(0.6)
    expect(result.flops).toBeGreaterThan(0.5)
    const measure = flopsMeasure({ model: result.dense, method: options.soft.method, inputs: options.inputs, runtime })
    expect(await measure(result.schedule)).toBe(result.flops)
    expect([...result.schedule.values()].map(({ kind }) => kind)).toEqual(['threshold', 'threshold'])
    expect([...result.learned.keys()]).toEqual(layers)
  })

  test('resume from a checkpoint of the fine-tuning with the same numbers', async () => {
    const of = (own: TrainingPart): Uint8Array[] =>
      whole.checkpoints.flatMap(([at, bytes]) => (at === own ? [bytes] : []))
    const rest = await watched({ resume: { soft: of('soft').at(-1) as Uint8Array, hard: of('hard')[0] as Uint8Array } })
    expect(rest.seen).toEqual(whole.seen.slice(6))
    expect(sameModels(rest.result, whole.result)).toBe(true)
    expect(rest.result.soft.progress).toEqual(whole.result.soft.progress)
    expect(rest.result.hard?.progress).toEqual(whole.result.hard?.progress)
  })

  test('resume only with the settings that they started with', async () => {
    const [[, soft] = [], , [, hard] = []] = whole.checkpoints
    const error = (more: Partial<LearnOptions>) => watched(more).catch((thrown: TpError) => thrown)
    const other = await error({ resume: { soft: soft as Uint8Array }, soft: { ...options.soft, layers: [0, 2] } })
    expect(other).toMatchObject({
      code: 'TP_RESUME',
      message: expect.stringContaining('layers was [0,1], and is [0,2]'),
    })
    const about = await error({ resume: { soft: soft as Uint8Array }, about: { model: 'another' } })
    expect(about).toMatchObject({ message: expect.stringContaining('model was not given, and is "another"') })
    expect(await error({ resume: { hard: hard as Uint8Array } })).toMatchObject({ code: 'TP_RESUME' })
  })
})

describe('training without some of its parts', () => {
  test('does no fine-tuning where no weights of the encoder learn', async () => {
    const { result, seen } = await watched({ soft: { method: thresholds(), layers }, trains: () => false })
    expect([result.hard, seen.length]).toEqual([undefined, 4])
    expect(Buffer.compare(encodeModel(result.dense), encodeModel(small))).toBe(0)
    expect(result.learned.get(0)?.threshold?.data[0]).not.toBeCloseTo(0.02, 6)
    expect(result.model).toBe(result.before)
  })

  test('takes the learned or given amounts without a target', { tags: 'exhaustive' }, async () => {
    const soft = { method: thresholds(), layers }
    const { result } = await watched({ soft, epochs: 0.25, hardEpochs: 0 })
    const learned = [...result.learned].map(([layer, { threshold }]) => [
      layer,
      { kind: 'threshold', value: threshold?.data[0] },
    ])
    expect([...result.schedule]).toEqual(learned)
    expect(result.flops).toBeGreaterThan(0)
    const drawn = schedule(3, { layers, keep: 0.5 })
    expect((await watched({ soft, schedule: drawn, epochs: 0.25, hardEpochs: 0 })).result.schedule).toEqual(drawn)
  })

  test('keeps the same ratio at each layer for a method that learns no amounts', async () => {
    const soft = { method: thresholds({ hardens: false }), layers, targetFlops: 0.7 }
    const { result } = await watched({ soft, epochs: 0.25, hardEpochs: 0 })
    const [first, second] = [...result.schedule.values()]
    expect(first).toEqual(second)
    expect(first?.kind).toBe('ratio')
    expect(result.flops).toBeLessThanOrEqual(0.7)
  })
})

describe('before training starts', () => {
  const problem = async (soft: LearnOptions['soft']): Promise<unknown> => {
    const steps: unknown[] = []
    const error = await watched({ soft, onProgress: (at) => void steps.push(at) }).catch((thrown: unknown) => thrown)
    expect(steps).toEqual([])
    return isTpError(error) ? error.code : error
  }
  const method = thresholds()

  test.each([
    ['no amounts and no share', { method: thresholds({ hardens: false }), layers }, 'TP_SCHEDULE'],
    ['an invalid share', { method, layers, targetFlops: 1.2 }, 'TP_FLOPS'],
    ['one that cannot be reached', { method, layers: [1], targetFlops: 0.3 }, 'TP_FLOPS'],
    ['a layer that does not exist', { method, layers: [9] }, 'TP_SCHEDULE'],
    ['the same with a share', { method, layers: [9], targetFlops: 0.5 }, 'TP_SCHEDULE'],
    ['an invalid position', { method, layers, protect: [-1] }, 'TP_PROTECT'],
  ] as const)('refuses %s', async (_, soft, code) => {
    expect(await problem(soft)).toBe(code)
  })

  test('refuses a method with nothing to learn', async () => {
    const { training: _, ...fixed } = method
    expect(await problem({ method: fixed, layers, targetFlops: 0.6 })).toBe('TP_METHOD')
  })

  test('refuses a model that is pruned already', async () => {
    const pruned = transform(small, prune({ method, schedule: schedule(3, { layers: [0], keep: 0.5 }) }))
    const error = await watched({ model: pruned.model, soft: { method, layers } }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TpError)
    expect(error).toMatchObject({
      code: 'TP_PRUNED',
      message: expect.stringContaining('train the file that it was made from'),
    })
  })
})

test('searches for the amounts of a method that learned to work with any', { tags: 'exhaustive' }, async () => {
  const rounds: number[] = []
  const { result } = await watched({
    soft: { method: anyNumber, layers, targetFlops: 0.7 },
    hardEpochs: 0,
    search: { generations: 1, children: 2, onProgress: ({ generation }) => rounds.push(generation) },
  })
  expect(rounds).toEqual([0, 1])
  expect([...result.schedule].map(([layer, { kind }]) => [layer, kind])).toEqual(
    layers.map((layer) => [layer, 'ratio']),
  )
  expect(result.flops).toBeLessThanOrEqual(0.7)
})
