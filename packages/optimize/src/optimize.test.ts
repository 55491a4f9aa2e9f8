import { readFileSync } from 'node:fs'
import { embed, evaluate, sampleInputs } from '@tp/compare'
import { checkRegimes, inspect, leaveOut, type Plan, transform, transformsOf } from '@tp/compiler'
import { type MethodEntry, methodEntry, none } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { joinMarks, type ModelInputs, someExamples, textDataset, textInputs } from '@tp/data/inputs'
import { cascade } from '@tp/guard'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'
import { dot, mean, rankCorrelation } from '@tp/metrics'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { countingDevice, runtime } from '../test/counting-device.ts'
import { describeLoss, type Measurements, type OptimizedPlan, type OptimizeOptions, optimize } from './index.ts'

const device = countingDevice()
const methods: readonly MethodEntry[] = [...attention, ...hybrid, methodEntry(none, 'keeps every token')]
const entry = (name: string): MethodEntry => methods.find((one) => one.name === name) as MethodEntry
const dense = decodeModel(readFileSync(modelPath('mail')))
/** Half of it, for what has to be measured often. */
const model = transform(dense, leaveOut({ layers: [3, 4, 5] })).model
let inputs: ModelInputs
let session: Session

beforeAll(async () => {
  session = await runtime.load(encodeModel(model), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 120))
  inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 48 })
})

const ask = (options: Partial<OptimizeOptions> = {}): Promise<OptimizedPlan> =>
  optimize({
    ...{ model, runtime, device, maxLoss: 2, grid: [{ batch: 1, tokens: 48 }], shapes: [{ batch: 1, tokens: 48 }] },
    ...{ data: { task: 'classification', inputs }, variants: [{ entry: entry('received-attention') }] },
    ...options,
  })

/** The file that a plan makes of a model. */
async function opened(plan: OptimizedPlan, source: Model = model): Promise<Session> {
  const own = plan.regimes.at(-1)?.plan as Plan
  return await runtime.load(encodeModel(transform(source, ...transformsOf(own, methods)).model), { threads: 1 })
}

describe('optimize on mails', () => {
  let known: Measurements = {}

  test('finds a plan that holds, with its measurements', async () => {
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
    // With so few examples all choose.
    expect(plan.regimes.at(-1)?.plan.chosenOn).toBe(await joinMarks([inputs]))
    expect([...stages]).toEqual(['forms', 'screening', 'search', 'verification', 'regimes'])
    expect(checkRegimes(JSON.parse(JSON.stringify(plan)), 'plan')).toEqual(JSON.parse(JSON.stringify(plan)))
    const { figures } = plan
    expect(figures).toMatchObject({ confirmed: false, examples: 120, data: 'mails', maxLoss: 2 })
    expect(figures.temperature).toBeGreaterThan(0)
    // Judged where they are about as fast as float32.
    if (figures.eightBits !== undefined) expect(figures.eightBits.loss.estimate).toBeLessThanOrEqual(2)
    expect(figures.leftOut?.layers).toHaveLength(1)
    expect(figures.expectedLoss?.estimate).toBeLessThanOrEqual(2)
    // The loss is that of the file on all examples, which choose.
    await using changed = await opened(plan)
    const [before, after] = [await evaluate(session, inputs), await evaluate(changed, inputs)]
    expect(figures.loss?.estimate).toBeCloseTo(before.accuracy.estimate - after.accuracy.estimate, 9)
  })

  test('finds the same plan from known measurements, and measures nothing', async () => {
    const again = await ask({ known, onMeasured: () => expect.unreachable('measured again') })
    const once = await ask({ known })
    const { date: _, ...figures } = again.figures
    expect(once).toMatchObject({ regimes: again.regimes, figures })
  })

  test('leaves the dense model as it is where there is nothing to try', async () => {
    const { regimes, figures } = await ask({ variants: [], quantize: false, leaveOut: false })
    expect(regimes).toEqual([{ plan: { format: 1, method: 'none' } }])
    // Only its dead tokens are removed, which is exact.
    expect([figures.loss?.estimate ?? 0, figures.expectedLoss?.estimate ?? 0, figures.grid]).toEqual([0, 0, []])
    expect(figures.speedup?.estimate ?? 1).toBeGreaterThanOrEqual(1)
  })

  test('ends with the best so far when a signal says that that is enough', async () => {
    const enough = new AbortController()
    const { figures } = await ask({
      enough: enough.signal,
      onProgress: ({ stage }) => void (stage === 'screening' && enough.abort()),
    })
    expect(figures.isCutShort).toBe(true)
    expect(figures.tried).toBeLessThanOrEqual(3)
    await expect(ask({ enough: AbortSignal.abort() })).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
  })
})

test('measures the loss of a cascade with its fallbacks', { tags: 'exhaustive' }, async () => {
  const plan = await ask({ model: dense, cascade: true, maxLoss: 0.5, quantize: false, leaveOut: false })
  const pruned = await opened(plan, dense)
  const whole = await runtime.load(modelPath('mail'), { threads: 1 })
  // By the times of the day the fastest plan that holds is a cascade or not; its loss is that of both sessions together.
  await using both = plan.cascade === undefined ? pruned : cascade({ pruned, dense: whole, ...plan.cascade })
  const [before, after] = [await evaluate(whole, inputs), await evaluate(both, inputs)]
  const lost = before.accuracy.estimate - after.accuracy.estimate
  expect(plan.figures.loss?.estimate ?? 0).toBeCloseTo(lost, 9)
})

/** The model with the states of its last layer alone. */
function embedderOf(model: Model): Model {
  const embedder = decodeModel(encodeModel(model))
  const graph = new Graph(embedder)
  const found = inspect(embedder)
  if (!found.ok) throw new Error(found.refusal.message)
  const states = found.layers.at(-1)?.output as string
  for (const { name } of graph.outputs) graph.removeOutput(name)
  graph.addOutput(states, 'float32', ['batch', 'tokens', found.hidden as number])
  graph.removeDeadNodes()
  return embedder
}

test('optimizes a model that gives vectors by the scores of pairs, where people have judged some', async () => {
  const embedder = embedderOf(model)
  const unlabeled = { ...inputs, targets: inputs.targets.map(() => -1) }
  const count = inputs.targets.length / 2
  await using before = await runtime.load(encodeModel(embedder), { threads: 1 })
  const cosinesBy = async (session: Session): Promise<number[]> => {
    const { vectors } = await embed(session, unlabeled, { batchSize: 16 })
    return vectors.slice(0, count).map((vector, i) => dot(vector, vectors[count + i] as Float64Array))
  }
  // As people would judge who nearly agree with the model.
  const cosines = await cosinesBy(before)
  const scores = cosines.map((cosine, i) => cosine + 0.005 * Math.sin(i))
  const judged = { source: 'pairs', texts: textDataset('pairs', []), scores }
  const data = { task: 'embeddings', inputs: unlabeled, judged } as const
  const variants: OptimizeOptions['variants'] = [{ entry: entry('received-attention'), layers: ['middle'] }]
  const plan = await ask({ model: embedder, data, variants, maxLoss: 40, grid: [], leaveOut: false, quantize: false })
  const { figures } = plan
  expect(figures).toMatchObject({ points: 'Spearman', examples: count })
  expect(figures.cosine).toBeLessThan(1)
  expect(describeLoss(figures)[1]).toMatch(/^vectors have a cosine of 0\.\d\d to the dense ones/)
  expect(figures.loss?.estimate).toBeLessThanOrEqual(40)
  // Distances in place of scores: a ruined model would gain.
  const distances = { ...data, judged: { ...judged, scores: scores.map((score) => -score) } }
  await expect(ask({ model: embedder, data: distances })).rejects.toThrow(
    expect.objectContaining({
      code: 'TP_DATA',
      message: expect.stringContaining('follows the scores no better than by chance'),
    }),
  )
  await using after = await opened(plan, embedder)
  const lost = (rankCorrelation(cosines, scores) ?? 0) - (rankCorrelation(await cosinesBy(after), scores) ?? 0)
  expect(figures.loss?.estimate).toBeCloseTo(100 * lost, 1)
})

test('optimizes a model that gives vectors by their cosine to the dense ones, without labels', async () => {
  const embedder = embedderOf(model)
  await using before = await runtime.load(encodeModel(embedder), { threads: 1 })
  const unlabeled = { ...inputs, targets: inputs.targets.map(() => -1) }
  const own = { model: embedder, data: { task: 'embeddings', inputs: unlabeled } } as const
  // In 8 bits with one scale for all tokens, which times may choose, vectors would depend on their batch.
  const variants: OptimizeOptions['variants'] = [{ entry: entry('received-attention'), layers: ['middle'] }]
  const plan = await ask({ ...own, variants, maxLoss: 10, grid: [], leaveOut: false, quantize: false })
  const { figures } = plan
  expect(figures.points).toBe('cosine')
  expect(figures.loss?.estimate).toBeLessThanOrEqual(10)
  expect(figures.expectedLoss?.estimate).toBe(figures.loss?.estimate)
  // The loss is that of the file.
  await using after = await opened(plan, embedder)
  const [old, now] = [await embed(before, unlabeled), await embed(after, unlabeled, { batchSize: 16 })]
  // An unrelated vector has lost all there is to lose, and an opposite one no more.
  const lost = now.vectors.map((vector, i) => Math.min(1, 1 - dot(vector, old.vectors[i] as Float64Array)))
  expect(figures.loss?.estimate).toBeCloseTo(100 * mean(lost), 1)
  const refused = { code: 'TP_OPTION', message: expect.stringContaining('these examples are embedded') }
  await expect(ask({ ...own, confident: true })).rejects.toThrow(expect.objectContaining(refused))
})

test.each<[string, Partial<OptimizeOptions>, string]>([
  ['a negative loss', { maxLoss: -1 }, 'TP_OPTION'],
  ['certainty of no loss at all', { confident: true, maxLoss: 0 }, 'TP_OPTION'],
])('refuses %s', async (_, options, code) => {
  await expect(ask(options)).rejects.toThrow(expect.objectContaining({ code }))
})

test('refuses too few examples', async () => {
  const data = { task: 'classification', inputs: someExamples(inputs, [0, 1, 2]) } as const
  await expect(ask({ data })).rejects.toThrow(expect.objectContaining({ code: 'TP_DATA' }))
})

test('counts a repeated example once, and raises an alarm where the dense model gives one answer', async () => {
  const rows = [...inputs.targets.keys()]
  const few = {
    task: 'classification',
    inputs: someExamples(inputs, [...rows.slice(0, 50), ...rows.slice(0, 50)]),
  } as const
  await expect(ask({ data: few })).rejects.toThrow(/50 examples \(50 more repeat them\) are too few/)
  const { predictions } = await evaluate(session, inputs)
  const ham = rows.filter((row) => predictions[row] === 0)
  const figuresOf = async (some: readonly number[]) => {
    const data = { task: 'classification', inputs: someExamples(inputs, some) } as const
    return (await ask({ data, variants: [], quantize: false, leaveOut: false })).figures
  }
  expect(await figuresOf([...ham, ...ham.slice(0, 3)])).toMatchObject({
    examples: ham.length,
    repeated: 3,
    oneAnswer: true,
  })
  const both = await figuresOf(rows)
  expect([both.repeated, both.oneAnswer]).toEqual([undefined, undefined])
})

test('skips an optional method that the model cannot serve, and refuses one that is demanded', async () => {
  // Its head takes the mean of all tokens, so that it has no class token.
  const path = new URL('../../../tools/exported-encoders/fixtures/timm-vit-avgpool-ts17/model.onnx', import.meta.url)
  const pooled = decodeModel(readFileSync(path))
  const found = inspect(pooled)
  if (!found.ok) throw new Error(found.refusal.message)
  const images: ModelInputs = {
    ...{ source: 'noise', targets: Array(64).fill(0), lengths: undefined, preparationMs: undefined, notes: [] },
    feeds: async (rows) => sampleInputs(pooled, found, { batch: rows.length }),
  }
  const own = {
    model: pooled,
    data: { task: 'classification', inputs: images },
    quantize: false,
    leaveOut: false,
    pack: false,
  } as const
  const variants = [{ entry: entry('cls-attention'), optional: true }]
  const { skipped } = (await ask({ ...own, variants, shapes: [{ batch: 1 }], grid: [] })).figures
  expect(skipped).toEqual([
    { name: 'cls-attention', code: 'TP_NO_CLASS_TOKEN', reason: expect.stringContaining('no class token') },
  ])
  await expect(ask({ ...own, variants: [{ entry: entry('cls-attention') }], shapes: [{ batch: 1 }] })).rejects.toThrow(
    expect.objectContaining({ code: 'TP_NO_CLASS_TOKEN', message: expect.stringContaining('cls-attention: ') }),
  )
})

test('refuses a confident bound on too few examples, and says how many it takes', async () => {
  const refusal = {
    code: 'TP_DATA',
    message: expect.stringContaining(
      'of 120 examples 48 are to verify on, which cannot show a loss of at most 1 point even if no answer differs; ' +
        'give at least 968 (387 to verify on), or allow more loss',
    ),
  }
  await expect(ask({ confident: true, maxLoss: 1 })).rejects.toThrow(expect.objectContaining(refusal))
})
