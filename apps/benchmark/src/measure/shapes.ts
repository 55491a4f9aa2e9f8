import type { NamedTensors } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'

/** A batch of so many texts of so many tokens, none of them padding. */
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

/** So many batches of a shape, of different texts: values change what is gathered, though hardly how long it takes. */
export async function feedsOfTurns(inputs: ModelInputs, shape: Shape, turns: number): Promise<NamedTensors[]> {
  const feeds: NamedTensors[] = []
  for (let turn = 0; turn < turns; turn++) feeds.push(await feedsOfShape(inputs, shape, turn))
  return feeds
}

/** The beginnings of texts that are long enough; `turn` says which of them, so that turns differ. */
export async function feedsOfShape(inputs: ModelInputs, { batch, tokens }: Shape, turn: number): Promise<NamedTensors> {
  const lengths = inputs.lengths as readonly number[]
  const long = [...lengths.keys()].filter((i) => (lengths[i] as number) >= tokens)
  const positions = Array.from({ length: batch }, (_, b) => long[(turn * batch + b) % long.length] as number)
  const whole = await inputs.feeds(positions)
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
