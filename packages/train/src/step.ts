import { TpError } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import type { AdamW } from './adam-w.ts'
import type { Settings } from './settings.ts'
import { names } from './training-graph.ts'
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

/** What one step runs on. */
export interface StepGraph {
  readonly session: Session
  /** Names of the weights that learn. */
  readonly learning: readonly string[]
  /** Copies of each example in a batch. */
  readonly copies: number
  /** Further inputs. */
  extra(feeds: NamedTensors, rows: readonly number[], step: number): NamedTensors
}

/** One step: loss and gradients of a batch, and the update of the weights. */
export async function takeStep(
  { session, learning, copies, extra }: StepGraph,
  { inputs, teacher }: Lesson,
  { distillation }: Settings,
  { weights, optimizer }: { readonly weights: Weights; readonly optimizer: AdamW },
  { rows: examples, learningRate, step }: { readonly rows: readonly number[]; learningRate: number; step: number },
): Promise<Omit<TrainProgress, 'steps'>> {
  const rows = Array.from({ length: copies }, () => examples).flat()
  const given: Record<string, NamedTensors[string]> = {}
  if (distillation < 1) {
    const data = BigInt64Array.from(rows, (row) => BigInt(inputs.targets[row] as number))
    given[names.labels] = { type: 'int64', dims: [rows.length], data }
  }
  if (distillation > 0) given[names.teacher] = teacherRows(teacher, rows, inputs)
  const feeds = await inputs.feeds(rows)
  const needed = new Set(session.inputs.map(({ name }) => name))
  const all = { ...feeds, ...Object.fromEntries(weights), ...given, ...extra(feeds, examples, step) }
  const outputs = await session.run(Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name))))
  const loss = numberOf(outputs, names.loss) as number
  if (!Number.isFinite(loss)) throw diverged(`the loss is ${loss}`, step, learningRate)
  const gradientNorm = optimizer.step(outputs, learning, learningRate)
  if (!Number.isFinite(gradientNorm)) throw diverged(`the norm of the gradients is ${gradientNorm}`, step, learningRate)
  const [kept, flops] = [numberOf(outputs, names.kept), numberOf(outputs, names.flops)]
  return {
    step,
    loss,
    learningRate,
    gradientNorm,
    ...(kept !== undefined && { kept }),
    ...(flops !== undefined && { flops }),
  }
}

function numberOf(outputs: NamedTensors, name: string): number | undefined {
  const output = outputs[name]
  return output && Number(output.data[0])
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
