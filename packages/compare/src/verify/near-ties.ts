import { readProvenance } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { cloneModel, dtypeOf, type Model, readTensor, writeTensor } from '@tp/onnx'
import { farthest, type TrialRun } from './answers.ts'
import { type Comparison, roundsToBytes } from './compare-answers.ts'
import { notVerified } from './differences.ts'
import type { Trial } from './trials.ts'

/** Where a tie is exact (of two keys each is as far from their mean), one of four or five rounds it the other way. */
const TRIES = 16
/** A difference counts as that of a near tie up to so many times what rounding the source otherwise makes. */
const TIMES = 3
/** By how large a share a sum may differ in another order, … */
const SINGLE = 1e-6
/** … and a packed attention whose values are in 8 bits. */
const BYTES = 1e-3
/** A number that is larger stands for infinity. */
const LARGEST = 1e30

export interface NearTieOptions {
  /** The model that prunes tokens, … */
  readonly source: Model
  /** … and its runs. */
  readonly runs: readonly TrialRun[]
  load(model: Model): Promise<Session>
}

/**
 * Requires of answers that differ that a near tie explains them: which of two tokens with nearly the same score is kept may depend on how sums are
 * rounded. Then the source, too, gives such examples other answers, as far from its own, where its numbers are rounded otherwise.
 * @throws TpError TP_VERIFY for an answer that the source does not give by rounding
 */
export async function requireNearTies(
  { beyond, measure }: Comparison,
  { source, runs, load }: NearTieOptions,
): Promise<void> {
  const share = roundsToBytes(source) ? BYTES : SINGLE
  const tries = readProvenance(source).some(({ cuts }) => cuts.length > 0) ? TRIES : 0
  let open = beyond
  for (let seed = 1; seed <= tries && open.length > 0; seed++) {
    const session = await load(roundedOtherwise(source, seed % 2 === 0 ? share : share / 4, seed))
    // An example that differs in several arrangements is run once.
    const moved = new Map<number, number>()
    try {
      for (const example of new Set(open.map((each) => each.example))) {
        const run = runs.find(({ trial }) => isAlone(trial, example))
        if (run === undefined) continue
        moved.set(example, farthest(await session.run(run.trial.inputs), run.outputs, measure).distance)
      }
      open = open.filter(({ example, distance }) => distance > TIMES * (moved.get(example) ?? 0))
    } finally {
      await session.dispose()
    }
  }
  const [first] = open
  if (first !== undefined) throw notVerified(first.problem)
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
