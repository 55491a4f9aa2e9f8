import type { Session } from '@tp/core/runtime'
import { cloneModel, dtypeOf, type Model, readTensor, writeTensor } from '@tp/onnx'
import { type Distance, farthest, type TrialRun } from './answers.ts'
import type { Trial } from './trials.ts'

/** A number that is larger stands for infinity. */
const LARGEST = 1e30

export interface SourceRuns {
  /** The model that another one was made from, … */
  readonly source: Model
  /** … and its runs. */
  readonly runs: readonly TrialRun[]
  load(model: Model): Promise<Session>
}

/**
 * How far the source's own answers to some examples alone move where its numbers are rounded otherwise.
 * @param share by how much of it a number changes at most
 * @param seed which of many ways to round
 */
export async function movedAnswers(
  examples: readonly { readonly example: number }[],
  { source, runs, load }: SourceRuns,
  { share, seed, measure }: { readonly share: number; readonly seed: number; readonly measure: Distance },
): Promise<ReadonlyMap<number, number>> {
  const session = await load(roundedOtherwise(source, share, seed))
  const moved = new Map<number, number>()
  try {
    // An example that differs in several arrangements is run once.
    for (const example of new Set(examples.map((own) => own.example))) {
      const run = runs.find(({ trial }) => isAlone(trial, example))
      if (run === undefined) continue
      moved.set(example, farthest(await session.run(run.trial.inputs), run.outputs, measure).distance)
    }
  } finally {
    await session.dispose()
  }
  return moved
}

function isAlone({ arrangement, examples }: Trial, example: number): boolean {
  return arrangement === 'alone' && examples.some((own) => own.example === example)
}

/**
 * The same model, but each number of its float vectors (of norms, biases) is larger or smaller by up to a share of it, so that all sums are rounded
 * otherwise. Constants of one element may be thresholds and counts, and remain.
 */
function roundedOtherwise(model: Model, share: number, seed: number): Model {
  const changed = cloneModel(model)
  for (const tensor of changed.proto.graph?.initializer ?? []) {
    if (tensor.dims.length !== 1 || tensor.externalData.length > 0 || dtypeOf(tensor.dataType) !== 'float32') continue
    const vector = readTensor(tensor)
    const numbers = vector.data as Float32Array
    if (numbers.length === 1) continue
    for (const [i, value] of numbers.entries()) {
      if (Math.abs(value) < LARGEST) numbers[i] = value * (1 + share * Math.sin(seed * (i + 1e4)))
    }
    Object.assign(tensor, writeTensor(vector, tensor.name))
  }
  return changed
}
