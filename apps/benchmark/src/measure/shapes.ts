import type { NamedTensors } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'

/** A batch of texts of one length, none of them padded. */
export interface Shape {
  readonly batch: number
  readonly tokens: number
}

export function shapeText({ batch, tokens }: Shape): string {
  return `${batch}×${tokens}`
}

/** What speed is measured at: short and long texts, and a batch. */
export const speedShapes: readonly Shape[] = [
  { batch: 1, tokens: 32 },
  { batch: 1, tokens: 128 },
  { batch: 1, tokens: 512 },
  { batch: 8, tokens: 128 },
]

/** Several batches of a shape, of different examples: values change what is gathered, though hardly how long it takes. */
export function feedsOfTurns(inputs: ModelInputs, shape: Shape, turns: number): Promise<NamedTensors[]> {
  return Promise.all(Array.from({ length: turns }, (_, turn) => feedsOfShape(inputs, shape, turn)))
}

/** The beginnings of texts that are long enough, or whole examples of other kinds; `turn` says which of them. */
export async function feedsOfShape(inputs: ModelInputs, { batch, tokens }: Shape, turn: number): Promise<NamedTensors> {
  const { lengths } = inputs
  const long = inputs.targets.flatMap((_, i) => (lengths === undefined || (lengths[i] as number) >= tokens ? [i] : []))
  const positions = Array.from({ length: batch }, (_, b) => long[(turn * batch + b) % long.length] as number)
  const whole = await inputs.feeds(positions)
  if (lengths === undefined) return whole
  return Object.fromEntries(
    Object.entries(whole).map(([name, { type, dims, data }]) => {
      const [rows = 0, width = 0] = dims
      const cut = (data as BigInt64Array).slice(0, rows * tokens)
      for (let row = 0; row < rows; row++) {
        cut.set((data as BigInt64Array).subarray(row * width, row * width + tokens), row * tokens)
      }
      return [name, { type, dims: [rows, tokens], data: cut }]
    }),
  )
}

/**
 * Positions of examples whose lengths are spread as those of all are: the middle of each of `count` equal parts of the
 * examples in order of length.
 */
export function stratifiedSample(lengths: readonly number[], count: number): number[] {
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b)
  const parts = Math.min(count, order.length)
  return Array.from({ length: parts }, (_, i) => order[Math.floor(((i + 0.5) * order.length) / parts)] as number)
}
