import { TpError } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { AdamW } from './adam-w.ts'
import { type Aim, addCounts, type Counts, noCounts, priceFor } from './aim.ts'
import { type BatchInputs, byRow, forAll, inputsOf, partsOf } from './batch-parts.ts'
import { fittingPass } from './bounded-batches.ts'
import { names } from './names.ts'
import { passSum } from './pass-sum.ts'
import type { Settings } from './settings.ts'
import type { Weights } from './weights.ts'

/** The training examples. */
export interface Lesson {
  readonly inputs: ModelInputs
  /** Logits of the dense model for all examples, [examples, classes], or its vectors of length 1; required for distillation. */
  readonly teacher?: Float32Array
}

/** One step. */
export interface TrainProgress {
  /** From 1. */
  readonly step: number
  readonly steps: number
  /** The stage of the training, if a method learns (see `Training.stages`). */
  readonly stage?: string
  readonly loss: number
  readonly learningRate: number
  /** 2-norm of the gradients before clipping. */
  readonly gradientNorm: number
  /** If a method learns: kept tokens per layer, as a share of all, and the layers' FLOPs, as a share of dense. */
  readonly kept?: number
  readonly flops?: number
  /** Accuracy on the selection set in percent, at the steps after which it is evaluated. */
  readonly accuracy?: number
}

/** A graph of loss and gradients. */
export interface PassGraph {
  readonly session: Session
  /** Further inputs of a batch. */
  extra(feeds: NamedTensors, rows: readonly number[], step: number): BatchInputs
}

/** The data of one step. */
export interface StepGraphs {
  /** Names of the weights that learn. */
  readonly learning: readonly string[]
  /** Copies of each example in a batch. */
  readonly copies: number
  /** Tokens of every example, where its inputs do not say. */
  readonly tokens: number | undefined
  /** The graph for whole batches, and for parts of them. */
  whole(): Promise<PassGraph>
  part(): Promise<PassGraph>
  /** Only if a part of a batch has to know the share of the FLOPs of all of it. */
  readonly aim: (Aim & { costs(): Promise<Session> }) | undefined
}

export interface StepOptions {
  readonly rows: readonly number[]
  readonly learningRate: number
  readonly step: number
  /** Tokens that go through both passes at once. */
  readonly passTokens: number | undefined
  /** Called between the parts of a batch; may throw, and nothing has changed then. */
  between(done: number, total: number): Promise<void>
}

/**
 * One step: loss and gradients of a batch, and the update of the weights. Batches of many tokens are run in parts, whose gradients are
 * added up: memory is that of a part, and the numbers are those of the whole, to rounding.
 */
export async function takeStep(
  graphs: StepGraphs,
  lesson: Lesson,
  { distillation }: Settings,
  { weights, optimizer }: { readonly weights: Weights; readonly optimizer: AdamW },
  { rows: examples, learningRate, step, passTokens, between }: StepOptions,
): Promise<Omit<TrainProgress, 'steps'>> {
  const { learning, copies, aim } = graphs
  const longest = longestOf(examples, lesson.inputs) ?? graphs.tokens ?? 0
  const parts = partsOf(examples.length, Math.max(1, Math.floor(fittingPass(longest, passTokens) / copies)))
  const isWhole = parts.length === 1
  const pass = await (isWhole ? graphs.whole() : graphs.part())
  const rows = Array.from({ length: copies }, () => examples).flat()
  const feeds = await lesson.inputs.feeds(rows)
  const batch = {
    ...byRow(feeds),
    ...forAll(Object.fromEntries(weights)),
    ...answersTo(rows, lesson, distillation),
    ...pass.extra(feeds, examples, step),
  }
  const ofPart = (part: readonly number[]): NamedTensors =>
    isWhole ? inputsOf(batch) : inputsOf(batch, copiesOf(part, examples.length, copies))
  const passes = parts.length * (isWhole || aim === undefined ? 1 : 2)
  let passed = 0
  const run = async (session: Session, inputs: NamedTensors): Promise<NamedTensors> => {
    if (passed > 0) await between(passed, passes)
    passed += 1
    const declaredFeed = ({ name }: { readonly name: string }): readonly [string, NamedTensors[string]][] =>
      inputs[name] === undefined ? [] : [[name, inputs[name]]]
    return await session.run(Object.fromEntries(session.inputs.flatMap(declaredFeed)))
  }

  let [price, more]: [NamedTensors, number] = [{}, 0]
  if (!isWhole && aim !== undefined) {
    const costs = await aim.costs()
    const counts = noCounts()
    for (const part of parts) addCounts(counts, await run(costs, ofPart(part)))
    const found = priceFor(aim, counts, rows.length)
    price = { [names.price]: { type: 'float32', dims: [], data: Float32Array.of(found.price) } }
    more = found.more
  }
  const sum = passSum(learning)
  const counts = noCounts()
  for (const part of parts) {
    const outputs = await run(pass.session, { ...ofPart(part), ...price })
    sum.add(outputs, part.length / examples.length)
    addCounts(counts, outputs)
  }
  const loss = sum.loss + more
  if (!Number.isFinite(loss)) throw diverged(`the loss is ${loss}`, step, learningRate)
  const gradientNorm = optimizer.step(sum.gradients, learning, learningRate)
  if (!Number.isFinite(gradientNorm)) throw diverged(`the norm of the gradients is ${gradientNorm}`, step, learningRate)
  return { step, loss, learningRate, gradientNorm, ...shares(counts) }
}

/** Rows of some examples, in a batch with the copies of an example as far apart as there are examples. */
function copiesOf(part: readonly number[], examples: number, copies: number): number[] {
  return Array.from({ length: copies }, (_, copy) => part.map((row) => copy * examples + row)).flat()
}

function longestOf(rows: readonly number[], { lengths }: ModelInputs): number | undefined {
  return lengths && rows.reduce((most, row) => Math.max(most, lengths[row] as number), 1)
}

/** Labels, and the dense model's answers. */
function answersTo(rows: readonly number[], { inputs, teacher }: Lesson, distillation: number): BatchInputs {
  const labels = (): BatchInputs => {
    const data = BigInt64Array.from(rows, (row) => BigInt(inputs.targets[row] as number))
    return byRow({ [names.labels]: { type: 'int64', dims: [rows.length], data } })
  }
  const answers = (): BatchInputs => {
    const own = teacherRows(teacher, rows, inputs)
    return { ...byRow({ [names.teacher]: own }), ...forAll({ [names.teachers]: own }) }
  }
  return { ...(distillation < 1 && labels()), ...(distillation > 0 && answers()) }
}

function shares({ kept, tokens, flops, dense }: Counts): Pick<TrainProgress, 'kept' | 'flops'> {
  return tokens === 0 ? {} : { kept: kept / tokens, flops: flops / dense }
}

function diverged(seen: string, step: number, learningRate: number): TpError {
  const advice = `lower the learning rate (now ${learningRate.toPrecision(3)}), or that of the method's values`
  return new TpError('TP_DIVERGED', 'train', `${seen} at step ${step}; ${advice}`)
}

function teacherRows(teacher: Float32Array | undefined, rows: readonly number[], { targets }: ModelInputs) {
  const classes = teacher === undefined ? Number.NaN : teacher.length / targets.length
  if (teacher === undefined || !Number.isInteger(classes)) {
    const seen = teacher === undefined ? 'none' : `${teacher.length} numbers`
    throw new TpError(
      'TP_OPTION',
      'train',
      `distillation requires teacher: the dense model's answers to all examples (seen: ${seen})`,
    )
  }
  const data = new Float32Array(rows.length * classes)
  for (const [i, row] of rows.entries()) data.set(teacher.subarray(row * classes, (row + 1) * classes), i * classes)
  return { type: 'float32', dims: [rows.length, classes], data }
}
