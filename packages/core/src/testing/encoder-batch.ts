import type { TensorLike } from '../array.ts'
import { evaluate, type InterpreterOptions } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { normals } from '../statistics/random-numbers.ts'
import type { EncoderGraph } from './reference-encoder.ts'

/** One example: its real tokens, [n,hidden]. */
export type EncoderExample = readonly (readonly number[])[]

/** The outputs of the encoder for one example. */
export interface EncoderOutcome {
  readonly logits: readonly number[]
  /** By layer: which of the example's real tokens were kept (0 is its first), in the order of the slots. */
  readonly kept: Readonly<Record<number, readonly number[]>>
  /** By layer: whether all slots with tokens come before all fillers. */
  readonly fillersLast: boolean
}

export function examplesOf(lengths: readonly number[], hidden: number, seed: number): EncoderExample[] {
  const normal = normals(seed)
  return lengths.map((length) => Array.from({ length }, () => Array.from({ length: hidden }, normal)))
}

/** Where each example's tokens are in a row of `width`: at its start, at its end, or with padding between them. */
export type BatchLayout = 'right-padded' | 'left-padded' | 'scattered'

/** Where in a row of `width` the i-th of some tokens is. */
const places: Readonly<Record<BatchLayout, (i: number, count: number, width: number) => number>> = {
  'right-padded': (i) => i,
  'left-padded': (i, count, width) => width - count + i,
  scattered: (i, count, width) => Math.floor((i * width) / count),
}

export interface Batch {
  readonly feeds: Record<string, TensorLike>
  /** places[b][i]: position of token i of example b */
  readonly positions: readonly (readonly number[])[]
}

/** Examples in a batch of rows of `width`; padding holds numbers that would change any result that reads them. */
export function batchOf(examples: readonly EncoderExample[], width: number, layout: BatchLayout, seed: number): Batch {
  const normal = normals(seed)
  const hidden = examples[0]?.[0]?.length ?? 0
  const x = Float32Array.from({ length: examples.length * width * hidden }, () => 5 * normal())
  const mask = new BigInt64Array(examples.length * width)
  const positions = examples.map(({ length }) => Array.from({ length }, (_, i) => places[layout](i, length, width)))
  examples.forEach((example, row) => {
    example.forEach((token, i) => {
      const slot = row * width + (positions[row]?.[i] as number)
      x.set(token, slot * hidden)
      mask[slot] = 1n
    })
  })
  const dims = [examples.length, width]
  return {
    feeds: { x: { type: 'float32', dims: [...dims, hidden], data: x }, mask: { type: 'int64', dims, data: mask } },
    positions,
  }
}

/** The graph's outputs by name: logits, and for each layer what was kept. */
export function outputsOf({ logits, sites }: EncoderGraph): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = { logits }
  for (const [layer, { position, valid }] of sites) {
    outputs[`position_${layer}`] = position
    if (valid !== undefined) outputs[`valid_${layer}`] = valid
  }
  return outputs
}

export function compute(graph: EncoderGraph, batch: Batch, options?: InterpreterOptions): EncoderOutcome[] {
  return readOutcomes(evaluate(outputsOf(graph), batch.feeds, options), batch, [...graph.sites.keys()])
}

export function readOutcomes(
  results: Readonly<Record<string, TensorLike>>,
  { positions }: Batch,
  layers: readonly number[],
): EncoderOutcome[] {
  return positions.map((ofRow, row) => {
    const kept: Record<number, number[]> = {}
    let fillersLast = true
    for (const layer of layers) {
      const position = rowOf(results[`position_${layer}`], row)
      const valid = results[`valid_${layer}`]
      const isKept = valid === undefined ? position.map(() => 1) : rowOf(valid, row)
      fillersLast &&= isKept.every((slot, i) => i === 0 || slot <= (isKept[i - 1] as number))
      kept[layer] = position.filter((_, slot) => isKept[slot] === 1).map((position) => ofRow.indexOf(position))
    }
    return { logits: rowOf(results.logits, row), kept, fillersLast }
  })
}

/** Row of an array [B,…] as plain numbers. */
export function rowOf(array: TensorLike | undefined, row: number): number[] {
  if (array === undefined) throw new Error('an output is missing')
  const width = array.dims.slice(1).reduce((a, b) => a * b, 1)
  return Array.from(array.data.slice(row * width, (row + 1) * width) as ArrayLike<number | bigint>, Number)
}
