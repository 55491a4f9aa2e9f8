import { type Learned, type Method, type Schedule, TpError, withValues } from '@tp/core'
import { valuesOf } from '@tp/core/host'
import { type AbortSignalLike, pause, type Runtime, type Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { boundedBatches, fittingForward } from '../bounded-batches.ts'
import type { PruningOptions } from '../fit-schedule.ts'
import { fitContext, type LensCosine } from './context.ts'
import { type FitLensProgress, overBatches, type Watched } from './over-texts.ts'
import { addTo, bestStrength, emptyNormal, type Normal, ridge, sumOf } from './ridge.ts'
import { type DenseStates, denseStates, distanceSums, outputs, stateSums } from './states.ts'

export interface FitLensOptions extends Omit<PruningOptions, 'restore' | 'outputs' | 'source'> {
  /** The dense model. */
  readonly model: Model
  /** `lens()` of @tp/method-hybrid: what is fitted are its values. */
  readonly method: Method
  /** The layers to fit, and the amounts at which `context` is. */
  readonly schedule: Schedule
  /** Texts such as the model will be given; labels are not read. */
  readonly inputs: ModelInputs
  readonly runtime: Runtime
  /** At most; default 32. Long examples go through in smaller batches. */
  readonly batchSize?: number
  readonly onProgress?: (progress: FitLensProgress) => void
  readonly signal?: AbortSignalLike
}

export interface FittedLens {
  /** By layer, as `learnedBytes` of core writes it. */
  readonly learned: ReadonlyMap<number, Learned>
  /** How near the pruned model comes to the dense one. Absent where the head reads single tokens. */
  readonly cosine?: LensCosine
}

/** Ridge strengths that are tried, as multiples of the mean of the diagonal. */
const STRENGTHS = [1e-4, 1e-3, 1e-2]
/** Strength for the distances, whose direction alone matters. */
const DISTANCE_STRENGTH = 1e-3
/** Every fifth batch is held out to choose the strength by. */
const HELD_OUT = 5
const FEWEST = 64

/**
 * Fits the values of `lens` in closed form: a pass of the dense model over the texts for W and b of each layer, one for v and c, and one
 * of the pruned model for U (`context`).
 * @throws TpError TP_DATA for fewer than 64 texts, TP_SCHEDULE, TP_RESTORE, TP_ABORTED, or why the model cannot be pruned
 */
export async function fitLens(options: FitLensOptions): Promise<FittedLens> {
  const { model, method, schedule, inputs, runtime, encoder, batchSize = 32 } = options
  const count = inputs.targets.length
  if (count < FEWEST) {
    throw new TpError('TP_DATA', 'train', `${inputs.source}: ${count} texts are too few to fit; give ${FEWEST} or more`)
  }
  const layers = [...schedule.keys()]
  const states = denseStates(model, { layers, encoder })
  const { hidden } = states
  const rows = boundedBatches(inputs, batchSize, fittingForward)
  const isHeldOut = (batch: number): boolean => batch % HELD_OUT === Math.min(HELD_OUT, rows.length) - 1
  const watched = { ...options, rows }

  const sums = await stateNormals(states, {
    ...watched,
    layers,
    isHeldOut,
    session: await runtime.load(stateSums(states, layers), ONE),
  })
  const predictors = new Map<number, Float64Array>()
  for (const [layer, { fit, heldOut }] of sums) {
    await pause(options.signal, 'train')
    predictors.set(layer, ridge(sumOf(fit, heldOut), bestStrength(fit, heldOut, STRENGTHS)))
  }

  const means = new Float32Array(count * hidden)
  const distances = new Map(layers.map((layer) => [layer, new Float64Array(hidden + 1)]))
  await using session = await runtime.load(distanceSums(states, predictors), ONE)
  await overBatches('distances', session, watched, (result, batch) => {
    for (const [layer, sum] of distances) addTo(sum, result[outputs.xy(layer)]?.data as Float32Array)
    const own = result[outputs.mean]?.data as Float32Array
    batch.forEach((row, i) => {
      means.set(own.subarray(i * hidden, (i + 1) * hidden), row * hidden)
    })
  })
  const learned = new Map<number, Learned>()
  for (const [layer, { fit, heldOut }] of sums) {
    const normal = { xx: sumOf(fit, heldOut).xx, xy: distances.get(layer) as Float64Array }
    const direction = ridge(normal, DISTANCE_STRENGTH)
    learned.set(layer, learnedOf(predictors.get(layer) as Float64Array, direction, hidden))
  }
  const values = withValues(method, (layer) => valuesOf(method, learned.get(layer) ?? {}, layer))
  const found = await fitContext({ ...watched, values, means, hidden, attended: states.attended, isHeldOut })
  if (found === undefined) return { learned }
  const context = { dtype: 'float32' as const, dims: [hidden, hidden], data: found.context }
  return {
    learned: new Map([...learned].map(([layer, own]) => [layer, { ...own, context }])),
    cosine: found.cosine,
  }
}

const ONE = { threads: 1 }

interface Sums {
  readonly fit: Normal
  readonly heldOut: Normal
}

async function stateNormals(
  { hidden }: DenseStates,
  {
    session: loaded,
    layers,
    isHeldOut,
    ...watched
  }: Watched & { session: Session; layers: readonly number[]; isHeldOut(batch: number): boolean },
): Promise<ReadonlyMap<number, Sums>> {
  await using session = loaded
  const empty = (): Normal => emptyNormal(hidden + 1, hidden)
  const sums = new Map(layers.map((layer) => [layer, { fit: empty(), heldOut: empty() }]))
  await overBatches('final states', session, watched, (result, _, batch) => {
    for (const [layer, both] of sums) {
      const { xx, xy } = isHeldOut(batch) ? both.heldOut : both.fit
      addTo(xx, result[outputs.xx(layer)]?.data as Float32Array)
      addTo(xy, result[outputs.xy(layer)]?.data as Float32Array)
    }
  })
  return sums
}

/** W and b are the rows of one matrix, v and c the numbers of one column. */
function learnedOf(predictor: Float64Array, direction: Float64Array, hidden: number): Learned {
  const single = (dims: readonly number[], from: Float64Array, start: number, end: number): Learned[string] => ({
    dtype: 'float32',
    dims,
    data: Float32Array.from(from.subarray(start, end)),
  })
  const square = hidden * hidden
  return {
    map: single([hidden, hidden], predictor, 0, square),
    bias: single([hidden], predictor, square, square + hidden),
    residual: single([hidden], direction, 0, hidden),
    residualBias: single([], direction, hidden, hidden + 1),
  }
}
