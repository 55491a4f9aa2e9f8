import { type NamedTensors, type Session, TpError } from '@tp/core'
import type { ModelInputs } from '@tp/eval'
import type { AdamW } from './adam-w.ts'
import type { Settings } from './settings.ts'
import { names } from './training-graph.ts'
import type { Weights } from './weights.ts'

/** What is learned from. */
export interface Lesson {
  readonly inputs: ModelInputs
  /** Logits of the dense model for all examples, [examples, classes] row by row; asked for by distillation. */
  readonly teacher?: Float32Array
}

/** One step. */
export interface TrainProgress {
  /** From 1. */
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly learningRate: number
  /** 2-norm of the gradients before clipping. */
  readonly gradientNorm: number
  /** Percent of the selection set that is right, at the steps after which that is counted. */
  readonly accuracy?: number
}

export type TakeStep = (
  rows: readonly number[],
  learningRate: number,
  step: number,
) => Promise<Omit<TrainProgress, 'steps'>>

/** One step: loss and gradients of a batch, and the weights moved. */
export function stepper(
  session: Session,
  { inputs, teacher }: Lesson,
  { distillation }: Settings,
  weights: Weights,
  optimizer: AdamW,
): TakeStep {
  return async (rows, learningRate, step) => {
    const extra: Record<string, NamedTensors[string]> = {}
    if (distillation < 1) {
      const data = BigInt64Array.from(rows, (row) => BigInt(inputs.targets[row] as number))
      extra[names.labels] = { type: 'int64', dims: [rows.length], data }
    }
    if (distillation > 0) extra[names.teacher] = teacherRows(teacher, rows, inputs)
    const outputs = await session.run({ ...(await inputs.feeds(rows)), ...Object.fromEntries(weights), ...extra })
    const loss = Number(outputs[names.loss]?.data[0])
    if (!Number.isFinite(loss)) throw diverged(`the loss is ${loss}`, step, learningRate)
    const gradientNorm = optimizer.step(outputs, learningRate)
    if (!Number.isFinite(gradientNorm)) throw diverged(`gradients are ${gradientNorm} long`, step, learningRate)
    return { step, loss, learningRate, gradientNorm }
  }
}

function diverged(seen: string, step: number, learningRate: number): TpError {
  const advice = `lower the learning rate (now ${learningRate})`
  return new TpError('TP_DIVERGED', 'train', `${seen} at step ${step}; ${advice}`)
}

function teacherRows(teacher: Float32Array | undefined, rows: readonly number[], { targets }: ModelInputs) {
  const classes = teacher === undefined ? Number.NaN : teacher.length / targets.length
  if (teacher === undefined || !Number.isInteger(classes)) {
    const seen = teacher === undefined ? 'none' : `${teacher.length} numbers`
    throw new TpError(
      'TP_OPTION',
      'train',
      `distillation needs teacher: the dense model's logits of all examples (seen: ${seen})`,
    )
  }
  const data = new Float32Array(rows.length * classes)
  for (const [i, row] of rows.entries()) data.set(teacher.subarray(row * classes, (row + 1) * classes), i * classes)
  return { type: 'float32', dims: [rows.length, classes], data }
}
