import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { shuffled } from '../chooser/grid.ts'

/** Texts and tokens of each. */
const EQUAL: Readonly<Record<string, readonly [texts: number, tokens: number]>> = {
  '1×16': [1, 16],
  '1×128': [1, 128],
  '8×128': [8, 128],
}

/** Most texts of a batch as they come, and most tokens with their padding. */
const [TEXTS, TOKENS] = [32, 6144]

/** Batches that are timed: texts of so many tokens (those of the examples, again and again), some as they come, and images. */
export async function timedShapes(inputs: ModelInputs): Promise<ReadonlyMap<string, readonly NamedTensors[]>> {
  const order = shuffled([...inputs.targets.keys()], 5)
  if (inputs.lengths === undefined) {
    const [one, eight] = [await inputs.feeds(order.slice(0, 1)), await inputs.feeds(order.slice(0, 8))]
    return new Map([
      ['1 image', [one]],
      ['8 images', [eight]],
    ])
  }
  const shapes = new Map<string, readonly NamedTensors[]>()
  for (const [name, [texts, tokens]] of Object.entries(EQUAL)) {
    const feeds = await Promise.all(order.slice(0, texts).map((row) => inputs.feeds([row])))
    shapes.set(name, [together(feeds, tokens)])
  }
  const longest = Math.max(...order.slice(0, TEXTS).map((row) => inputs.lengths?.[row] ?? 0))
  shapes.set('mixed', [await inputs.feeds(order.slice(0, Math.min(TEXTS, Math.floor(TOKENS / longest))))])
  return shapes
}

function together(feeds: readonly NamedTensors[], tokens: number): NamedTensors {
  const [first] = feeds as [NamedTensors]
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const data = new BigInt64Array(feeds.length * tokens)
      for (const [row, each] of feeds.entries()) {
        const own = (each[name] as TensorLike).data as BigInt64Array
        for (let token = 0; token < tokens; token++) data[row * tokens + token] = own[token % own.length] as bigint
      }
      return [name, { type: 'int64', dims: [feeds.length, tokens], data }]
    }),
  ) as NamedTensors
}
