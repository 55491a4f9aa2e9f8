import { readFileSync } from 'node:fs'
import { embed, evaluate } from '@tp/compare'
import { checkRegimes, inspect, leaveOut, type Plan, transform, transformsOf } from '@tp/compiler'
import { type MethodEntry, methodEntry, none } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { imageDataset, imageInputs, type ModelInputs, someExamples, textDataset, textInputs } from '@tp/data/inputs'
import { cascade } from '@tp/guard'
import { methods } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { dot, mean } from '@tp/metrics'
import { digitsData, embeddedModel, mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Measurements, type TuneOptions, tune } from './index.ts'
import { splitOf } from './split.ts'

const timeout = 180_000
const runtime = nodeRuntime()
const model = decodeModel(readFileSync(modelPath('mail')))
const entry = (name: string): MethodEntry => methods.find((one) => one.name === name) as MethodEntry
const variants = [{ entry: entry('received-attention') }, { entry: entry('cls-attention') }]
const grid = [
  { batch: 1, tokens: 8 },
  { batch: 4, tokens: 64 },
]
let inputs: ModelInputs
let session: Session
let few: Tuned

/** The model to tune, and the dense session. */
interface Tuned {
  readonly model: Model
  readonly inputs: ModelInputs
  readonly session: Session
  /** How many of the variants it is tuned with. */
  readonly methods: number
  /** Measurements to start with. */
  readonly before: Measurements
}

/** Times of three layers at 8, 16, 32 and 64 tokens, in which pruning pays on any machine, however busy. */
const latency = `latency ${runtime.name}`
const threeLayers: Measurements = {
  [`${latency} attention batch 1 dense`]: [0.3, 0.5, 0.9, 1.8],
  [`${latency} attention batch 1 up to 0`]: [0.3, 0.25, 0.2, 0.2],
  [`${latency} attention batch 1 up to 1`]: [0.65, 0.6, 0.55, 0.55],
  [`${latency} batch 1 choosing by received-attention`]: [0.02, 0.02, 0.03, 0.04],
}

beforeAll(async () => {
  session = await runtime.load(modelPath('mail'), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 200))
  inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 64 })
  // For what has to be measured often.
  const shallow = transform(model, leaveOut({ layers: [3, 4, 5] }))
  const own = await runtime.load(encodeModel(shallow.model), { threads: 1 })
  few = { model: shallow.model, inputs, session: own, methods: 1, before: threeLayers }
}, timeout)

const ask = (options: Partial<TuneOptions> = {}) =>
  tune({ model, inputs, variants, runtime, maxLoss: 2, grid, shapes: [{ batch: 1, tokens: 64 }], ...options })

describe.each<[string, () => Tuned, string[]]>([
  ['mails by an encoder of three layers', () => few, []],
  ['mails', () => ({ model, inputs, session, methods: 2, before: {} }), ['exhaustive']],
])('tune on %s', (name, subject, tags) => {
  const ask = (options: Partial<TuneOptions> = {}) => {
    const { model, inputs, methods, before: known } = subject()
    const shapes = [{ batch: 1, tokens: 64 }]
    const some = variants.slice(0, methods)
    return tune({ model, inputs, variants: some, runtime, known, maxLoss: 2, grid, shapes, ...options })
  }
  let known: Measurements = {}

  test('finds a plan that holds, with its measurements', { timeout, tags }, async () => {
    const { model, inputs, session } = subject()
    const stages = new Set<string>()
    const plan = await ask({
      onMeasured(all) {
        known = all
      },
      onProgress: ({ stage, done, total }) => {
        stages.add(stage)
        expect(done).toBeLessThanOrEqual(total)
      },
    })
    expect([...stages]).toEqual(['latency', 'sensitivity', 'search', 'verification', 'regimes'])
    expect(checkRegimes(JSON.parse(JSON.stringify(plan)), 'plan')).toEqual(JSON.parse(JSON.stringify(plan)))
    const { figures, regimes } = plan
    expect(figures.pooled).toBe(true)
    expect(figures.temperature).toBeGreaterThan(0)
    expect(figures.expectedLoss?.estimate).toBeLessThanOrEqual(2)
    expect(figures.grid.map(({ batch, tokens }) => ({ batch, tokens }))).toEqual(grid)
    // Sizes that are timed slower than dense run dense.
    const limit = regimes[0]?.upTo ?? 0
    for (const { positions, speedup } of figures.grid) expect(speedup >= 1 || positions <= limit).toBe(true)
    // The loss that it tells is that of the file on all examples, which choose.
    const own = regimes.at(-1)?.plan
    if (own === undefined) throw new Error('no regime')
    const result = transform(model, ...transformsOf(own, methods))
    const { choose: some } = splitOf(inputs)
    await using pruned = await runtime.load(encodeModel(result.model), { threads: 1 })
    const [dense, after] = [await evaluate(session, some), await evaluate(pruned, some)]
    expect(figures.examples).toBe(some.targets.length)
    expect(figures.loss?.estimate).toBeCloseTo(dense.accuracy.estimate - after.accuracy.estimate, 9)
  })

  test('finds the same plan from known measurements, and measures nothing', { timeout, tags }, async () => {
    const again = await ask({ known, onMeasured: () => expect.unreachable('measured again') })
    const { date: _, ...figures } = again.figures
    const once = await ask({ known })
    expect(once).toMatchObject({ regimes: again.regimes, figures })
  })

  if (name === 'mails')
    test('reports the loss of a cascade with its fallbacks', { timeout, tags }, async () => {
      const shapes = [{ batch: 8, tokens: 64 }]
      let own: Measurements = {}
      const options: Partial<TuneOptions> = { shapes, cascade: true, maxLoss: 0.5 }
      const plan = await ask({
        ...options,
        known,
        onMeasured(all) {
          own = all
        },
      })
      const { figures, regimes } = plan
      expect(figures.expectedLoss?.estimate).toBeLessThanOrEqual(0.5)
      const pruning = regimes.at(-1)?.plan
      if (pruning === undefined) throw new Error('no plan')
      const result = transform(model, ...transformsOf(pruning, methods))
      const dense = await runtime.load(modelPath('mail'), { threads: 1 })
      const pruned = await runtime.load(encodeModel(result.model), { threads: 1 })
      // By the times of the day the fastest plan that holds is a cascade or not; its loss is that of both sessions together.
      await using both = plan.cascade === undefined ? pruned : cascade({ pruned, dense, ...plan.cascade })
      expect(plan.cascade?.share ?? 1).toBeGreaterThan(0)
      const { choose: some } = splitOf(inputs)
      const [before, after] = [await evaluate(session, some), await evaluate(both, some)]
      expect(figures.loss?.estimate).toBeCloseTo(before.accuracy.estimate - after.accuracy.estimate, 9)
      // Where it is slower at all sizes the dense model runs, and has nothing to run again.
      const slow = Object.entries(own).map(([key, numbers]) => [
        key,
        key.startsWith('grid ') ? [0.5, 0.5, 0.5] : numbers,
      ])
      const left = await ask({ ...options, known: Object.fromEntries(slow) })
      expect(left.regimes).toEqual([{ plan: { format: 1, method: 'none' } }])
      expect(left.cascade).toBeUndefined()
    })

  test('stops between two measurements when aborted, and keeps what was measured', { timeout, tags }, async () => {
    const before = Object.keys(subject().before).length
    const stop = new AbortController()
    let kept: Measurements = {}
    const broken = ask({
      signal: stop.signal,
      onMeasured(all) {
        kept = all
        if (Object.keys(all).length === before + 3) stop.abort()
      },
    })
    await expect(broken).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
    expect(Object.keys(kept)).toHaveLength(before + 3)
  })
})

test('keeps at least half at each layer where tokens are merged in pairs, whatever may be lost', {
  timeout,
}, async () => {
  const { model, inputs, before } = few
  const tried = new Set<string>()
  await tune({
    ...{ model, runtime, grid, maxLoss: 100, shapes: [{ batch: 1, tokens: 64 }] },
    inputs: someExamples(inputs, [...inputs.targets.keys()].slice(0, 70)),
    variants: [{ entry: methodEntry(tome, 'merges similar tokens in pairs') }],
    known: { ...before, [`${latency} batch 1 choosing by tome`]: [0.02, 0.02, 0.03, 0.04] },
    onProgress: ({ best }) => void (best && tried.add(best)),
  })
  const ratios = [...tried].flatMap((text) => [...text.matchAll(/[\d.]+(?= at layer)/g)].map(Number))
  expect(ratios).not.toEqual([])
  for (const ratio of ratios) expect(ratio).toBeGreaterThanOrEqual(0.4999)
})

test('tunes a model of images, which always have the same number of tokens', {
  timeout,
  tags: 'exhaustive',
}, async () => {
  const { normalization } = embeddedModel('digits-vit')
  const shape = { channels: 1, height: 28, width: 28 }
  const digits = imageDataset(
    'digits',
    shape,
    digitsData('calibration').filter((_, i) => i % 4 === 0),
  )
  await using whole = await runtime.load(modelPath('digits-vit'), { threads: 1 })
  const images = await imageInputs(digits, whole.inputs, {
    normalization: normalization && { mean: [normalization.mean], std: [normalization.std] },
  })
  const { regimes, figures } = await tune({
    model: decodeModel(readFileSync(modelPath('digits-vit'))),
    inputs: images,
    variants: [{ entry: entry('received-attention') }],
    runtime,
    maxLoss: 5,
    grid: [{ batch: 1 }, { batch: 4 }],
  })
  expect(figures.grid.map(({ positions }) => positions)).toEqual([197, 788])
  expect(figures.expectedLoss?.estimate).toBeLessThanOrEqual(5)
  expect(regimes.at(-1)?.plan.method).toBe('received-attention')
  // An image has far more patches than it needs.
  expect(figures.expectedMs?.pruned).toBeLessThan(figures.expectedMs?.dense as number)
})

test('tunes a model that gives vectors by their cosine to the dense ones, without labels', {
  timeout,
  tags: 'exhaustive',
}, async () => {
  const embedder = decodeModel(encodeModel(few.model))
  const graph = new Graph(embedder)
  const found = inspect(embedder)
  if (!found.ok) throw new Error(found.refusal.message)
  const states = found.layers.at(-1)?.output as string
  for (const { name } of graph.outputs) graph.removeOutput(name)
  graph.addOutput(states, 'float32', ['batch', 'tokens', found.hidden as number])
  graph.removeDeadNodes()
  await using dense = await runtime.load(encodeModel(embedder), { threads: 1 })
  const unlabeled = { ...inputs, targets: inputs.targets.map(() => -1) }
  const texts = { ...unlabeled, vectors: (await embed(dense, unlabeled)).vectors }
  const tuned = (options: Partial<TuneOptions>): ReturnType<typeof tune> =>
    ask({ model: embedder, inputs: texts, variants: variants.slice(0, 1), known: threeLayers, ...options })
  const formats: Partial<TuneOptions> = process.env.TP_EXHAUSTIVE ? { leaveOut: true, quantize: {} } : {}
  const { regimes, figures } = await tuned({ maxLoss: 10, ...formats })
  expect(figures.points).toBe('cosine')
  expect(figures.loss?.estimate).toBeLessThanOrEqual(10)
  expect(figures.expectedLoss?.estimate).toBe(figures.loss?.estimate)
  // The loss that it tells is that of the file.
  const result = transform(embedder, ...transformsOf(regimes.at(-1)?.plan as Plan, [...methods, methodEntry(none, '')]))
  await using after = await runtime.load(encodeModel(result.model), { threads: 1 })
  const { choose } = splitOf(texts)
  const { vectors } = await embed(after, choose, { batchSize: 16 })
  // An unrelated vector has lost all there is to lose, and an opposite one no more.
  const lost = vectors.map((vector, i) => Math.min(1, 1 - dot(vector, choose.vectors?.[i] as Float64Array)))
  expect(figures.loss?.estimate).toBeCloseTo(100 * mean(lost), 6)
  const refused = { code: 'TP_OPTION', message: expect.stringContaining('these examples are embedded') }
  await expect(tuned({ confident: true })).rejects.toThrow(expect.objectContaining(refused))
})

test.each<[string, Partial<TuneOptions>, string]>([
  ['too few examples', {}, 'TP_DATA'],
  ['a negative loss', { maxLoss: -1 }, 'TP_OPTION'],
  ['no method', { variants: [] }, 'TP_OPTION'],
  ['certainty of no loss at all', { confident: true, maxLoss: 0 }, 'TP_OPTION'],
])('refuses %s', async (what, options, code) => {
  const three = what === 'too few examples' ? { inputs: someExamples(inputs, [0, 1, 2]) } : {}
  await expect(ask({ ...options, ...three })).rejects.toThrow(expect.objectContaining({ code }))
})

test('refuses a confident bound on too few examples, and says how many it takes', async () => {
  const refusal = {
    code: 'TP_DATA',
    message: expect.stringContaining(
      'of 200 examples 80 are to verify on, which cannot show a loss of at most 1 point even if no answer differs; ' +
        'give at least 968 (387 to verify on), or allow more loss',
    ),
  }
  await expect(ask({ confident: true, maxLoss: 1 })).rejects.toThrow(expect.objectContaining(refusal))
})
