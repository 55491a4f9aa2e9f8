import { add, input, type Method, type Schedule, type Tensor } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { decodeModel, emitModel } from '@tp/onnx'
import { expect } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { logitsOf, type TestEncoderOptions } from './encoders.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

/** A small encoder whose pooling may know which tokens are kept. */
export interface Built extends TestEncoderOptions {
  /** The term that hides padding in scores. */
  readonly hide: (scores: Tensor) => Tensor
  /** The last state [b,n,d] → logits; `kept` int64 [b,n] is 1 for kept tokens, where it is requested. */
  readonly pool: (x: Tensor, kept: Tensor | undefined) => Tensor
}

/**
 * Prunes an encoder and compares it with one that prunes nothing: there, pruned tokens are hidden as keys from all
 * later layers, and from the pooling. Returns the places of what was kept at the last cut, for each row.
 */
export async function expectHiddenKeys(
  built: Built,
  options: { readonly method: Method; readonly schedule: Schedule; readonly protect?: readonly number[] },
  inputs: NamedTensors,
): Promise<number[][]> {
  const model = decodeModel(emitModel({ logits: logitsOf({ ...built, head: (x) => built.pool(x, undefined) }) }))
  const traced = await run(transform(model, prune({ ...options, trace: true })).model, inputs)

  const [batch, tokens] = (inputs.input_ids as TensorLike).dims as [number, number]
  const cuts = [...options.schedule.keys()].sort((a, b) => a - b)
  const kept = new Map(cuts.map((layer) => [layer, keptAt(traced, layer)]))
  const keptAfter = (layer: number): number[] => {
    const cut = cuts.filter((own) => own < layer).at(-1)
    const rows = cut === undefined ? undefined : kept.get(cut)
    return Array.from({ length: batch * tokens }, (_, i) =>
      rows === undefined || rows[Math.floor(i / tokens)]?.includes(i % tokens) ? 1 : 0,
    )
  }
  const feeds = Array.from({ length: built.layerCount }, (_, layer) => {
    const bias = keptAfter(layer).map((isKept) => (isKept === 1 ? 0 : -1e6))
    return [`hide_${layer}`, float32([batch, 1, 1, tokens], bias)] as const
  })
  const [rows, length] = built.sizes ?? ['batch', 'sequence']
  const present = input('left', 'int64', [rows, length])
  let layer = 0
  const hide = (scores: Tensor): Tensor =>
    add(built.hide(scores), input(`hide_${layer++}`, 'float32', [rows, 1, 1, length]))
  const dense = emitModel({ logits: logitsOf({ ...built, hide, head: (x) => built.pool(x, present) }) })
  const names = new Set(decodeModel(dense).proto.graph?.input.map(({ name }) => name))
  const all = { ...inputs, ...Object.fromEntries(feeds), left: int64([batch, tokens], keptAfter(built.layerCount)) }
  const expected = await run(dense, Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name))))
  expect(difference(numbers(traced.logits), numbers(expected.logits))).toBeLessThan(1e-5)
  return kept.get(cuts.at(-1) as number) as number[][]
}

/** Which tokens were kept at a cut, for each example, by the outputs of a traced run. */
export function keptAt(results: NamedTensors, layer: number): number[][] {
  const indices = results[`tp.trace.${layer}.indices`] as TensorLike
  const valid = numbers(results[`tp.trace.${layer}.valid`])
  const [batch, width] = indices.dims as [number, number]
  const all = numbers(indices)
  return Array.from({ length: batch }, (_, row) =>
    all.slice(row * width, (row + 1) * width).filter((_, slot) => valid[row * width + slot] === 1),
  )
}
