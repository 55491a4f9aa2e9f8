import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { Graph, type Model } from '@tp/onnx'

export interface DecoderSizes {
  readonly batch: number
  /** New tokens. */
  readonly tokens: number
  /** Tokens of padding of the last example (default 0). */
  readonly padding?: number
  /** Where they are (default left). */
  readonly side?: 'left' | 'right'
  readonly seed?: number
}

/** The feeds of a decoder for a prompt: random tokens, and caches of no tokens. */
export function decoderFeeds(
  model: Model,
  { batch, tokens, padding = 0, side = 'left', seed = 1 }: DecoderSizes,
): NamedTensors {
  const isPadding = (i: number): boolean => (side === 'left' ? i < padding : i >= tokens - padding)
  const shown = Array.from({ length: batch }, (_, row) =>
    Array.from({ length: tokens }, (_, i) => (row === batch - 1 && isPadding(i) ? 0 : 1)),
  )
  return feedsOf(model, { shown, tokens, seed, past: () => undefined })
}

/** The feeds for tokens after these, with the caches that it has returned. */
export function nextFeeds(
  model: Model,
  before: NamedTensors,
  answer: NamedTensors,
  tokens: number,
  seed = 2,
): NamedTensors {
  const mask = before.attention_mask as TensorLike
  const [batch = 1, length = 0] = mask.dims
  const seen = Array.from(mask.data as BigInt64Array, Number)
  const shown = Array.from({ length: batch }, (_, row) => [
    ...seen.slice(row * length, (row + 1) * length),
    ...Array.from({ length: tokens }, () => 1),
  ])
  return feedsOf(model, { shown, tokens, seed, past: (name) => answer[name.replace('past_key_values', 'present')] })
}

interface FeedOptions {
  /** The mask of each example, earlier tokens first. */
  readonly shown: readonly (readonly number[])[]
  readonly tokens: number
  readonly seed: number
  readonly past: (name: string) => TensorLike | undefined
}

function feedsOf(model: Model, { shown, tokens, seed, past }: FeedOptions): NamedTensors {
  const batch = shown.length
  const positions = shown.map((row) =>
    row.map((_, i) => Math.max(0, row.slice(0, i + 1).reduce((a, b) => a + b, 0) - 1)),
  )
  const ids = shown.map((_, row) =>
    Array.from({ length: tokens }, (_, i) => 3 + ((seed * 31 + row * 17 + i * i * 7) % 90)),
  )
  const integers: Readonly<Record<string, readonly (readonly number[])[]>> = {
    input_ids: ids,
    attention_mask: shown,
    position_ids: positions.map((row) => row.slice(-tokens)),
  }
  return Object.fromEntries(
    new Graph(model).inputs.map(({ name, type, dims }) => {
      const rows = integers[name]
      if (rows !== undefined) {
        const data = BigInt64Array.from(rows.flat(), BigInt)
        return [name, { type: 'int64', dims: [batch, rows[0]?.length ?? 0], data }]
      }
      const empty = [batch, dims?.[1] as number, 0, typeof dims?.[3] === 'number' ? dims[3] : HEAD_SIZE]
      const none: TensorLike =
        type === 'int8'
          ? { type, dims: empty, data: new Int8Array() }
          : { type: 'float32', dims: empty, data: new Float32Array() }
      return [name, past(name) ?? none]
    }),
  )
}

/** Of the files that do not declare it. */
const HEAD_SIZE = 16
