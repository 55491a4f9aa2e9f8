import { none, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, Graph } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, type PruneOptions, prune, transform } from '../src/index.ts'
import { layerCount, type PositionEncoderOptions, positionEncoder, vocabulary } from './position-encoders.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

const terms = [
  'none',
  'relative key',
  'relative key and query',
  'gated',
  'of keys, for all queries',
  'of keys, by the end of a table',
  'disentangled',
  'disentangled up to the length',
  'shifted, by indices',
  'shifted, by a slice',
] as const
const [batch, tokens] = [3, 9]

function inputs(masked: boolean): NamedTensors {
  const all = Array.from({ length: batch * tokens }, (_, i) => i)
  const ids = int64(
    [batch, tokens],
    all.map((i) => (i * 7 + 3) % vocabulary),
  )
  const mask = all.map((i) => (i % tokens < tokens - 2 * Math.floor(i / tokens) ? 1 : 0))
  return masked ? { input_ids: ids, attention_mask: int64([batch, tokens], mask) } : { input_ids: ids }
}

function pruned(bytes: Uint8Array, options: Omit<PruneOptions, 'method'> & { cls?: boolean }) {
  const { cls, ...others } = options
  const result = transform(decodeModel(bytes), prune({ method: cls ? clsAttention() : receivedAttention(), ...others }))
  return result
}

/** The dense encoder's logits when every layer masks the keys of tokens pruned upstream of it. */
async function withHiddenKeys(options: PositionEncoderOptions, traced: NamedTensors): Promise<number[]> {
  const hidden: Record<string, TensorLike> = {}
  let kept: readonly number[][] = []
  for (let layer = 1; layer < layerCount; layer++) {
    const indices = traced[`tp.trace.${layer - 1}.indices`]
    if (indices !== undefined) {
      const width = indices.dims[1] as number
      kept = Array.from({ length: batch }, (_, row) => numbers(indices).slice(row * width, (row + 1) * width))
    }
    const bias = kept.flatMap((own) => Array.from({ length: tokens }, (_, i) => (own.includes(i) ? 0 : -1e9)))
    hidden[`hidden.${layer}`] = float32([batch, 1, 1, tokens], bias)
  }
  const dense = positionEncoder({ ...options, hideKeys: true })
  return numbers((await run(dense, { ...inputs(options.masked), ...hidden })).logits)
}

describe('position terms that are computed from the hidden states', () => {
  const layouts = [
    { fold: 'none', masked: true },
    { fold: 'rows outside', masked: true },
    { fold: 'rows outside', masked: false, tokensFirst: true },
  ] as const
  for (const [row, term] of terms.entries()) {
    for (const layout of inTurn(layouts, row, 1)) {
      const options: PositionEncoderOptions = { term, ...layout }
      const { masked } = layout
      test(`follow the tokens: ${term}, ${JSON.stringify(layout)}`, async () => {
        const bytes = positionEncoder(options)
        const dense = numbers((await run(bytes, inputs(masked))).logits)
        expect(inspect(decodeModel(bytes))).toMatchObject({ ok: true, heads: 2, classToken: 0 })

        const lean = transform(decodeModel(bytes), prune({ method: none(), schedule: new Map() }))
        expect(difference(numbers((await run(lean.model, inputs(masked))).logits), dense)).toBeLessThan(1e-5)
        for (const deadTokens of inTurn([true, false], row, 1)) {
          const all = pruned(bytes, { schedule: schedule(layerCount, { tokens: 99 }), deadTokens })
          expect(difference(numbers((await run(all.model, inputs(masked))).logits), dense)).toBeLessThan(1e-5)
        }
        for (const cls of inTurn([true, false], row, 1)) {
          const cut = schedule(layerCount, { layers: [0, 1], keep: 0.6 })
          const traced = await run(pruned(bytes, { schedule: cut, cls, trace: true }).model, inputs(masked))
          const expected = await withHiddenKeys(options, traced)
          expect(difference(numbers(traced.logits), expected)).toBeLessThan(1e-5)
          expect(difference(expected, dense)).toBeGreaterThan(1e-3)
        }
      })
    }
  }

  test('follow the tokens where the length is fixed, and only one size of their shape is that of the queries', async () => {
    const free = positionEncoder({ term: 'disentangled, for as many queries', fold: 'none', masked: true })
    const fixed = decodeModel(free)
    const graph = new Graph(fixed)
    // Sizes are still computed, and known as numbers.
    for (const name of ['input_ids', 'attention_mask']) graph.setValueInfo(name, 'int64', ['batch', tokens])
    const logits = async (bytes: Uint8Array): Promise<number[]> => {
      const cut = schedule(layerCount, { layers: [0, 1], keep: 0.6 })
      return numbers((await run(pruned(bytes, { schedule: cut }).model, inputs(true))).logits)
    }
    expect(difference(await logits(encodeModel(fixed)), await logits(free))).toBeLessThan(1e-5)
  })

  test('follow the tokens to the precision of a term that is quantized in the range of all tokens', async () => {
    const options: PositionEncoderOptions = { term: 'quantized relative key', fold: 'rows outside', masked: true }
    const bytes = positionEncoder(options)
    const dense = numbers((await run(bytes, inputs(true))).logits)
    const all = pruned(bytes, { schedule: schedule(layerCount, { tokens: 99 }) })
    expect(difference(numbers((await run(all.model, inputs(true))).logits), dense)).toBeLessThan(1e-5)
    const cut = schedule(layerCount, { layers: [0, 1], keep: 0.6 })
    const traced = await run(pruned(bytes, { schedule: cut, trace: true }).model, inputs(true))
    const expected = await withHiddenKeys(options, traced)
    expect(difference(numbers(traced.logits), expected)).toBeLessThan(0.03)
    expect(difference(expected, dense)).toBeGreaterThan(0.1)
  })

  test('add their key bias in every head for rows of different lengths', async () => {
    const options: PositionEncoderOptions = { term: 'gated', fold: 'rows outside', masked: true }
    const cut = schedule(layerCount, { layers: [0, 1], mass: 0.7 })
    const { model } = pruned(positionEncoder(options), { schedule: cut, trace: true })
    const traced = await run(model, inputs(true))
    const attended = numbers(traced['tp.trace.0.valid'])
    expect(attended).toContain(0)
    const single = { ...inputs(true) }
    for (let row = 0; row < batch; row++) {
      const alone = Object.fromEntries(
        Object.entries(single).map(([name, { data }]) => [
          name,
          int64([1, tokens], Array.from(data as BigInt64Array, Number).slice(row * tokens, (row + 1) * tokens)),
        ]),
      )
      const own = numbers((await run(model, alone)).logits)
      expect(difference(numbers(traced.logits).slice(row * 3, row * 3 + 3), own)).toBeLessThan(1e-5)
    }
  })
})

describe('position terms that cannot follow the tokens', () => {
  test('refuses terms that are computed across tokens', () => {
    const model = decodeModel(positionEncoder({ term: 'across tokens', fold: 'none', masked: true }))
    expect(() =>
      transform(model, prune({ method: receivedAttention(), schedule: schedule(layerCount, { keep: 0.5 }) })),
    ).toThrow(expect.objectContaining({ code: 'TP_POSITION_BIAS' }))
  })

  test('refuses heads outside the batch that cannot be told from rows', () => {
    const model = decodeModel(positionEncoder({ term: 'none', fold: 'heads outside', masked: false }))
    expect(() =>
      transform(model, prune({ method: receivedAttention(), schedule: schedule(layerCount, { keep: 0.5 }) })),
    ).toThrow(expect.objectContaining({ code: 'TP_HEADS' }))
  })
})
