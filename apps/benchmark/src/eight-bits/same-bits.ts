import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { shuffled } from '../chooser/grid.ts'
import type { Same } from './rows.ts'

/** Examples of a batch, and positions of padding beyond the longest of it. */
const [BATCH, MORE] = [32, 8]

/**
 * Compares answers in batches by chance with those alone. Padded on the left, where the positions of BERT's tokens depend on how much padding there
 * is, with those alone and as much padded.
 */
export async function sameBits(session: Session, inputs: ModelInputs, count: number): Promise<Record<string, Same>> {
  // As long as the longest of all may be as long as the file takes: no position would be left for padding.
  const most = Math.max(0, ...(inputs.lengths ?? [])) - MORE
  const fits = [...inputs.targets.keys()].filter(
    (row) => inputs.lengths === undefined || (inputs.lengths[row] ?? 0) <= most,
  )
  const rows = shuffled(fits, 11).slice(0, count)
  const alone = await Promise.all(rows.map((row) => inputs.feeds([row])))
  const own: Answer[] = []
  for (const feeds of alone) own.push(...(await answersOf(session, [feeds], 'right', 0)))
  const compared: Record<string, Same> = {}
  const isOfTexts = inputs.lengths !== undefined
  for (const side of isOfTexts ? (['right', 'left'] as const) : (['right'] as const)) {
    let [same, largest] = [0, 0]
    for (let first = 0; first < alone.length; first += BATCH) {
      const batch = alone.slice(first, first + BATCH)
      const seen = await answersOf(session, batch, side, isOfTexts ? MORE : 0)
      for (const [i, answer] of seen.entries()) {
        const [expected] =
          side === 'right'
            ? [own[first + i] as Answer]
            : await answersOf(session, [batch[i] as NamedTensors], side, MORE, longestOf(batch))
        const far = farthest(answer, expected as Answer)
        if (far === 0) same++
        largest = Math.max(largest, far)
      }
    }
    compared[isOfTexts ? `padded ${side}` : 'batches'] = [same, alone.length, largest]
  }
  return compared
}

/** The numbers of an example, without those of padding. */
type Answer = readonly number[]

type Side = 'left' | 'right'

async function answersOf(
  session: Session,
  feeds: readonly NamedTensors[],
  side: Side,
  more: number,
  longest = longestOf(feeds),
): Promise<Answer[]> {
  const lengths = feeds.map(lengthOf)
  const width = longest + more
  const result = await session.run(together(feeds, side, width))
  const output = Object.values(result)[0] as TensorLike
  return feeds.map((_, i) => numbersOf(output, i, lengths[i] as number, side))
}

function longestOf(feeds: readonly NamedTensors[]): number {
  return Math.max(...feeds.map(lengthOf))
}

/** Tokens of one example. */
function lengthOf(feeds: NamedTensors): number {
  return Object.values(feeds)[0]?.dims[1] ?? 0
}

/** Examples in one batch; texts are padded with zeros. */
function together(feeds: readonly NamedTensors[], side: Side, width: number): NamedTensors {
  const [first] = feeds as [NamedTensors]
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims }]) => {
      const own = feeds.map((each) => (each[name] as TensorLike).data)
      if (type === 'float32') {
        const data = Float32Array.from(own.flatMap((each) => Array.from(each as Float32Array)))
        return [name, { type, dims: [feeds.length, ...dims.slice(1)], data }]
      }
      const data = new BigInt64Array(feeds.length * width)
      for (const [i, each] of own.entries()) {
        data.set(each as BigInt64Array, i * width + (side === 'left' ? width - each.length : 0))
      }
      return [name, { type, dims: [feeds.length, width], data }]
    }),
  ) as NamedTensors
}

function numbersOf({ dims, data }: TensorLike, row: number, length: number, side: Side): Answer {
  const [rows = 1, tokens = 1, features = 0] = dims
  const size = data.length / rows
  const own = Array.from((data as Float32Array).subarray(row * size, (row + 1) * size))
  if (dims.length !== 3) return own
  return side === 'right' ? own.slice(0, length * features) : own.slice((tokens - length) * features)
}

function farthest(a: Answer, b: Answer): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)
}
