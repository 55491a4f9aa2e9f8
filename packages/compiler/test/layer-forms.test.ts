import { type Method, neg, random, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { countFlops, type PruneOptions, prune, transform } from '../src/index.ts'
import { type LayerForm, type LayerFormOptions, layerCount, layerFormEncoder, vocabulary } from './layer-forms.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

const forms: readonly LayerForm[] = [
  'feed-forward next to the attention',
  'feed-forward joined to the attention first',
  'gate from the stream',
  'scaled stream',
  'rows without keys set to 0',
  'products written as Einsum',
  'padding set to 0',
  'gated feed-forward by Split',
  'bottleneck around the layer',
  'first states added after the attention',
]
const heads = ['class token', 'every token'] as const
const [batch, tokens] = [3, 9]
const all = Array.from({ length: batch * tokens }, (_, i) => i)
const real = all.map((i) => (i % tokens < tokens - 2 * Math.floor(i / tokens) ? 1 : 0))
const inputs: NamedTensors = {
  input_ids: int64(
    [batch, tokens],
    all.map((i) => (i * 7 + 3) % vocabulary),
  ),
  attention_mask: int64([batch, tokens], real),
}

/** Lets the first tokens go through a layer, and restores the others downstream of it. */
function skipping(): Method {
  return {
    name: 'skipping',
    family: 'baseline',
    site: 'input',
    returns: true,
    reduce: ({ budget, position, attended }) => ({ keep: budget?.select(neg(position)) ?? attended }),
  }
}

function pruned(bytes: Uint8Array, options: PruneOptions): ReturnType<typeof decodeModel> {
  const result = transform(decodeModel(bytes), prune(options))
  expect(result.reports[0].layerCount).toBe(layerCount)
  return result.model
}

/** Which tokens of the batch were kept by the last cut before a layer: 1 for those. */
function leftBefore(layer: number, traced: NamedTensors): number[] {
  const indices = traced[`tp.trace.${layer - 1}.indices`]
  if (indices === undefined) return all.map(() => 1)
  const width = indices.dims[1] as number
  const kept = numbers(indices)
  return all.map((i) => {
    const row = Math.floor(i / tokens)
    return kept.slice(row * width, (row + 1) * width).includes(i % tokens) ? 1 : 0
  })
}

/** The dense encoder's logits when every layer masks the keys of tokens pruned upstream of it. */
async function withHiddenKeys(options: LayerFormOptions, traced: NamedTensors): Promise<TensorLike> {
  const hidden: Record<string, TensorLike> = {}
  for (let layer = 1; layer < layerCount; layer++) {
    const bias = leftBefore(layer, traced).map((kept) => (kept === 1 ? 0 : -1e9))
    hidden[`hidden.${layer}`] = float32([batch, 1, 1, tokens], bias)
  }
  const { logits } = await run(layerFormEncoder({ ...options, hideKeys: true }), { ...inputs, ...hidden })
  return logits as TensorLike
}

describe('layers in other forms', () => {
  for (const [row, form] of forms.entries()) {
    for (const head of inTurn(heads, row, 1)) {
      test(`${form}, ${head}`, async () => {
        const options: LayerFormOptions = { form, head }
        const bytes = layerFormEncoder(options)
        const dense = numbers((await run(bytes, inputs)).logits)
        const layers = [0, 1, 2]
        for (const deadTokens of inTurn([true, false], row >> 2, 1)) {
          const everything = schedule(layerCount, { layers, tokens: 99 })
          const model = pruned(bytes, { method: receivedAttention(), schedule: everything, deadTokens })
          expect(difference(numbers((await run(model, inputs)).logits), dense)).toBeLessThan(1e-5)
        }
        for (const method of inTurn([receivedAttention(), random()], row >> 1, 1)) {
          const fewer = schedule(layerCount, { layers, keep: 0.7 })
          const traced = await run(pruned(bytes, { method, schedule: fewer, trace: true }), inputs)
          const plain = await run(pruned(bytes, { method, schedule: fewer }), inputs)
          expect(difference(numbers(plain.logits), numbers(traced.logits))).toBeLessThan(1e-6)
          const expected = numbers(await withHiddenKeys(options, traced))
          const [here, there] = [numbers(traced.logits), expected]
          if (head === 'class token') {
            expect(difference(here, there)).toBeLessThan(1e-5)
            continue
          }
          // Restored tokens have the state in which they were pruned: only tokens kept to the end are as if nothing was pruned.
          const kept = leftBefore(layerCount, traced)
          const rows = (values: readonly number[]): number[] =>
            values.filter((_, i) => kept[Math.floor(i / 3)] === 1 && real[Math.floor(i / 3)] === 1)
          expect(rows(here).length).toBeGreaterThan(0)
          expect(difference(rows(here), rows(there))).toBeLessThan(1e-5)
        }
      })
    }
  }

  // The first states of tokens that are restored between the layers would have to be read again, at positions that are computed.
  const restorable = forms.filter((form) => form !== 'first states added after the attention')
  for (const [row, form] of restorable.entries()) {
    for (const head of inTurn(heads, row + 1, 1)) {
      test(`restore tokens that skip layers: ${form}, ${head}`, async () => {
        const bytes = layerFormEncoder({ form, head })
        const dense = (await run(bytes, inputs)).logits as TensorLike
        const logits = async (layers: readonly number[], kept: number): Promise<number[]> => {
          const model = pruned(bytes, { method: skipping(), schedule: schedule(layerCount, { layers, tokens: kept }) })
          const now = (await run(model, inputs)).logits as TensorLike
          expect(now.dims).toEqual(dense.dims)
          return numbers(now)
        }
        expect(difference(await logits([0, 2], 99), numbers(dense))).toBeLessThan(1e-5)
        for (const layers of [[0], [1, 2]]) expect((await logits(layers, 1)).every(Number.isFinite)).toBe(true)
      })
    }
  }

  test('do not compute a feed-forward next to the attention for pruned tokens', () => {
    const flops = (form: LayerForm): number => {
      const fewer = schedule(layerCount, { layers: [1], tokens: 1 })
      const model = pruned(layerFormEncoder({ form, head: 'every token' }), { method: random(), schedule: fewer })
      return countFlops(model, { batch: 1, tokens: 1000 })
    }
    // After the attention it reads the kept tokens in any case.
    expect(flops('feed-forward next to the attention')).toBe(flops('scaled stream'))
  })
})
