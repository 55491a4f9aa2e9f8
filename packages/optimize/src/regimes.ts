import { timeInTurns, type VariantLatency } from '@tp/compare'
import type { Runtime, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { Measurer } from './measurer.ts'
import type { Shape } from './options.ts'
import { type TunedPruning, unpruned } from './search/pruning.ts'
import { timedInputs } from './search/timed-inputs.ts'
import { clockOf } from './search/times.ts'

/** The speed-up at one shape, compared with the dense model without its dead tokens. */
export interface Cell extends Shape {
  /** Tokens of all examples, padding included. */
  readonly positions: number
  readonly speedup: number
  readonly low: number
  readonly high: number
}

interface Timed {
  readonly measurer: Measurer
  readonly model: Model
  readonly inputs: ModelInputs
  readonly device: Runtime
}

/** Enough to distinguish a median of ratios near 1 from 1. */
const ROUNDS = { rounds: 60, budgetMs: 2000 }

interface GridTiming extends Timed {
  readonly grid: readonly Shape[]
  /** Tokens of every input, if inputs have one length only. */
  readonly fixedTokens: number | undefined
}

interface TimedPruning {
  readonly name: string
  readonly pruning: TunedPruning
  /** Share of the examples that fall back to the dense model. */
  readonly fallback: number
}

/** Times a plan on each shape. Fallbacks are counted as runs of single examples, which is the most that they can cost. */
export async function timeGrid(
  { measurer, model, inputs, device, grid, fixedTokens }: GridTiming,
  { name, pruning, fallback }: TimedPruning,
): Promise<Cell[]> {
  const batches = fallback === 0 ? 0 : grid.filter(({ batch }) => batch > 1).length
  measurer.begin('regimes', grid.length + batches)
  const cells: Cell[] = []
  await using dense = await measurer.load(device, model, unpruned)
  await using session = await measurer.load(device, model, pruning)
  for (const shape of grid) {
    const tokens = shape.tokens ?? fixedTokens ?? 1
    const [speedup, low, high] = await measurer.measure(
      `grid ${device.name} ${name} ${shape.batch}x${tokens}`,
      async () => {
        const feeds = await timedInputs(inputs, shape)
        const { latencies } = await timeInTurns([dense, session], [feeds], { ...ROUNDS, clock: clockOf(device) })
        const { value, low, high } = (latencies[1] as VariantLatency).speedup
        return [value, low, high]
      },
    )
    const one = fallback === 0 ? 0 : await partOfOne({ measurer, inputs, device }, dense, shape, tokens)
    const withFallback = (factor = Number.NaN): number => 1 / (1 / factor + fallback * shape.batch * one)
    cells.push({
      ...shape,
      positions: shape.batch * tokens,
      speedup: withFallback(speedup),
      low: withFallback(low),
      high: withFallback(high),
    })
  }
  return cells
}

/** The dense model's time for one example of a run alone, relative to that of the run. */
async function partOfOne(
  { measurer, inputs, device }: Omit<Timed, 'model'>,
  dense: Session,
  shape: Shape,
  tokens: number,
): Promise<number> {
  if (shape.batch === 1) return 1
  const [part] = await measurer.measure(`one of ${device.name} dense ${shape.batch}x${tokens}`, async () => {
    const all = await timedInputs(inputs, shape)
    const one = await timedInputs(inputs, { ...shape, batch: 1 })
    const { latencies } = await timeInTurns([dense, dense], [one], {
      ...ROUNDS,
      clock: clockOf(device),
      inputsOf: [[one], [all]],
    })
    return [latencies[1]?.speedup.value as number]
  })
  return part as number
}

/** The largest timed number of positions. */
const MOST_POSITIONS = 4096

/** Lengths by powers of 2, in batches of 1, 4 and 16. */
export function usualGrid({ lengths }: Pick<ModelInputs, 'lengths'>): Shape[] {
  const batches = [1, 4, 16]
  if (lengths === undefined) return batches.map((batch) => ({ batch }))
  const most = lengths.reduce((longest, own) => Math.max(longest, own))
  const tokens: number[] = []
  for (let length = 8; length < most; length *= 2) tokens.push(length)
  tokens.push(most)
  return batches
    .flatMap((batch) => tokens.map((count) => ({ batch, tokens: count })))
    .filter((shape) => shape.batch * shape.tokens <= MOST_POSITIONS)
}

/**
 * Positions of a run up to which the dense model is faster, by the timed shapes: the least number such that no larger shape is
 * slower than dense. 0 if none is, infinite if the largest is.
 */
export function denseUpTo(cells: readonly Cell[]): number {
  return Math.max(0, ...cells.filter(({ speedup }) => speedup < 1).map(({ positions }) => positions))
}
