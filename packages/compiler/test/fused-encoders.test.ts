import { none, schedule, truncate } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { keyNorm, receivedAttention } from '@tp/method-attention'
import { cloneModel, createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { type FusedEncoderOptions, type Fusion, fusedEncoder, inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { countFlops, inspect, type PruneOptions, prune, readsProbabilities, transform } from '../src/index.ts'
import { unfuse } from '../src/normalize/unfuse.ts'
import { Program } from '../src/program/program.ts'
import { withoutProbabilities } from './fused-methods.ts'
import { difference, int64, numbers, run } from './run.ts'

const LAYERS = 4
const fusions: readonly Fusion[] = ['Attention', 'MultiHeadAttention', "ONNX's Attention", 'QAttention']
const shapes = [
  { norm: 'pre', pooling: 'cls' },
  { norm: 'post', pooling: 'none' },
  { norm: 'pre', pooling: 'none' },
  { norm: 'post', pooling: 'cls' },
] as const
const forms = fusions.flatMap((fusion, row) =>
  inTurn(shapes, row, 1).map((shape): FusedEncoderOptions => ({ fusion, ...shape, layerCount: LAYERS, seed: 3 })),
)
const feeds = {
  input_ids: int64([3, 7], [2, 9, 4, 11, 23, 8, 5, 2, 7, 1, 0, 0, 0, 0, 2, 28, 17, 3, 13, 0, 0]),
  attention_mask: int64([3, 7], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]),
}
const atMiddle = schedule(LAYERS, { layers: [1, 2], keep: 0.6 })

function pruned(model: Model, options: PruneOptions) {
  const result = transform(model, prune(options))
  return result
}

function countOf(model: Model, type: string): number {
  return (model.proto.graph?.node ?? []).filter(({ opType }) => opType === type).length
}

describe.each(forms.map((form, row) => ({ ...form, row })))(
  '$fusion, $norm-norm, pooling $pooling',
  ({ row, ...form }) => {
    const model = fusedEncoder(form)
    const plain = cloneModel(model)
    unfuse(new Program(plain))
    const type = form.fusion === "ONNX's Attention" ? 'Attention' : form.fusion
    const takesBias = form.fusion !== 'QAttention'
    // Only queries and keys that are inputs of their own may differ in number: in the last layer there is one query.
    const last = form.pooling === 'cls' && (form.fusion === 'Attention' || !takesBias) ? 1 : 0

    test('computes the same with nothing pruned', () => {
      const { model: same } = pruned(model, { method: none(), schedule: new Map(), deadTokens: false })
      expect(same.proto.graph?.node).toEqual(model.proto.graph?.node)
      expect(same.proto.graph?.initializer).toEqual(model.proto.graph?.initializer)
    })

    test('writes out at most the last layer without dead tokens', async () => {
      const { model: lean } = pruned(model, { method: none(), schedule: new Map() })
      expect(countOf(lean, type)).toBe(LAYERS - last)
      const [dense, results] = [await run(model, feeds), await run(lean, feeds)]
      if (form.pooling === 'cls') expect(difference(numbers(results.logits), numbers(dense.logits))).toBeLessThan(1e-5)
    })

    test.each(inTurn(withoutProbabilities, row, 1))(
      'keeps attention fused where a method reads %s',
      async (_, method) => {
        const options = { method, schedule: atMiddle, protect: [0] }
        const { model: kept } = pruned(model, options)
        expect(readsProbabilities(method)).toBe(false)
        // The layers downstream of the first merge add sizes to their scores.
        const isWritten = method.name === 'merging' && !takesBias
        expect(countOf(kept, type)).toBe(isWritten ? 2 : LAYERS - last)
        await expectSame(kept, pruned(plain, options).model)
      },
    )

    test('writes attention out at the layers where a method reads them', async () => {
      const options = { method: receivedAttention(), schedule: atMiddle }
      const { model: kept } = pruned(model, options)
      expect(readsProbabilities(options.method)).toBe(true)
      expect(countOf(kept, type)).toBe(LAYERS - 2 - last)
      await expectSame(kept, pruned(plain, options).model)
    })

    test('keeps attention fused downstream of rows of different lengths, which mask keys', async () => {
      const options = { method: receivedAttention(), schedule: schedule(LAYERS, { layers: [1], threshold: 0.15 }) }
      const { model: kept } = pruned(model, options)
      expect(countOf(kept, type)).toBe(takesBias ? LAYERS - 1 - last : 1)
      await expectSame(kept, pruned(plain, options).model)
    })

    test.each(inTurn(withoutProbabilities, row, 1))('prunes again what was pruned by %s', async (_, method) => {
      const first = { method, schedule: schedule(LAYERS, { layers: [0], keep: 0.8 }), protect: [0] }
      const second = { method: keyNorm(), schedule: schedule(LAYERS, { layers: [2], keep: 0.6 }), protect: [0] }
      const stored = (from: Model): Model => decodeModel(encodeModel(pruned(from, first).model))
      if (method.name === 'merging' && form.pooling === 'none') {
        // The rows that fill the output count merged tokens by their size, which another cut would change.
        expect(() => transform(stored(model), prune(second))).toThrow(expect.objectContaining({ code: 'TP_PRUNED' }))
        return
      }
      const again = (from: Model): Model => pruned(stored(from), second).model
      const kept = again(model)
      expect(countOf(kept, type)).toBe(method.name === 'merging' && !takesBias ? 1 : LAYERS - last)
      await expectSame(kept, again(plain))
    })

    test('keeps norms fused with their residuals unless tokens are pruned between them', () => {
      const { model: kept } = pruned(model, { method: keyNorm(), schedule: atMiddle, deadTokens: false })
      // Two cuts. Rows of an output of all tokens are filled downstream of the last norm.
      const between = form.norm === 'pre' ? 2 : 0
      expect(countOf(kept, 'SkipLayerNormalization')).toBe(2 * LAYERS - between)
      expect(countOf(kept, 'EmbedLayerNormalization')).toBe(countOf(model, 'EmbedLayerNormalization'))
    })

    test('says in inspect which attention is fused, and counts what is computed', () => {
      const seen = inspect(model)
      if (!seen.ok) throw new Error(seen.refusal.message)
      const domain = form.fusion === "ONNX's Attention" ? '' : 'com.microsoft.'
      expect(seen.layers.map(({ fused }) => fused)).toEqual(Array.from({ length: LAYERS }, () => `${domain}${type}`))
      expect(seen.unfusing).toMatch(/hides its probabilities.*batch·2·sequence²/)
      expect(seen.mask).toBe('attention_mask')
      const written = inspect(plain)
      expect(written.ok && written.unfusing).toBe(undefined)
      const at = { batch: 2, tokens: 9 }
      expect(countFlops(model, at)).toBe(countFlops(plain, at))
      expect(countFlops(model, at)).toBeGreaterThan(0)
    })

    async function expectSame(one: Model, other: Model): Promise<void> {
      const [results, expected] = [await run(one, feeds), await run(other, feeds)]
      expect(results.logits?.dims).toEqual(expected.logits?.dims)
      expect(difference(numbers(results.logits), numbers(expected.logits))).toBeLessThan(1e-5)
    }
  },
)

test('counts the ones of a mask with holes, as the operator does', async () => {
  const model = fusedEncoder({ fusion: 'Attention', norm: 'post', pooling: 'cls', layerCount: LAYERS, seed: 5 })
  const holes = {
    ...feeds,
    attention_mask: int64([3, 7], [1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1]),
  }
  const everything = schedule(LAYERS, { layers: [0, 1, 2], tokens: 99 })
  const { model: kept } = pruned(model, { method: receivedAttention(), schedule: everything })
  const [dense, results] = [await run(model, holes), await run(kept, holes)]
  expect(difference(numbers(results.logits), numbers(dense.logits))).toBeLessThan(1e-5)
})

test('gives the operator an entry for every key of a mask that is the same for all', async () => {
  const model = fusedEncoder({ fusion: "ONNX's Attention", norm: 'pre', pooling: 'cls', layerCount: LAYERS, seed: 5 })
  const graph = new Graph(model)
  graph.addInitializer('one', { dtype: 'bool', dims: [1, 1, 1, 1], data: Float64Array.of(1) })
  graph.addInitializer('second', { dtype: 'int64', dims: [1], data: Float64Array.of(1) })
  graph.insert([
    createNode({ type: 'Shape', inputs: ['input_ids'], outputs: ['sizes'] }),
    createNode({ type: 'Gather', inputs: ['sizes', 'second'], outputs: ['tokens'] }),
    createNode({
      type: 'Concat',
      inputs: ['second', 'second', 'tokens', 'tokens'],
      outputs: ['pairs'],
      attributes: { axis: 0 },
    }),
    createNode({ type: 'Expand', inputs: ['one', 'pairs'], outputs: ['every'] }),
  ])
  const attentions = graph.nodes.filter(({ opType }) => opType === 'Attention')
  for (const node of attentions) graph.replaceInput(node, 3, 'every')
  graph.sortTopologically()
  const { model: half } = pruned(model, { method: keyNorm(), schedule: atMiddle })
  expect(countOf(half, 'Attention')).toBe(attentions.length)
  expect((await run(half, feeds)).logits?.dims).toEqual((await run(model, feeds)).logits?.dims)
})

describe.each(['Attention', 'MultiHeadAttention', "ONNX's Attention"] as const)('causal %s', (fusion) => {
  const causal = (pooling: 'cls' | 'none'): Model => {
    const model = fusedEncoder({ fusion, norm: 'pre', pooling, layerCount: LAYERS, seed: 5 })
    const name = fusion === "ONNX's Attention" ? 'is_causal' : 'unidirectional'
    for (const node of model.proto.graph?.node ?? []) {
      if (!node.opType.endsWith('Attention')) continue
      const [flag] = createNode({ type: 'Flag', inputs: [], outputs: [], attributes: { [name]: 1 } }).attribute
      node.attribute.push(flag as (typeof node.attribute)[number])
    }
    return model
  }
  const statesOf = async (model: Model) => (await run(model, feeds)).logits as TensorLike

  test('gives what the dense model does where every token is kept, and where later ones are gone', async () => {
    const model = causal('none')
    const dense = await statesOf(model)
    const all = schedule(LAYERS, { layers: [1, 2], tokens: 99 })
    const whole = await statesOf(pruned(model, { method: receivedAttention(), schedule: all }).model)
    expect(difference(numbers(whole), numbers(dense))).toBeLessThan(1e-5)
    const first = pruned(model, { method: truncate(), schedule: atMiddle, restore: 'nearest' }).model
    const [width = 0] = dense.dims.slice(2)
    expect(
      difference(numbers(await statesOf(first)).slice(0, 2 * width), numbers(dense).slice(0, 2 * width)),
    ).toBeLessThan(1e-5)
  })

  test('lets a query that is computed alone see what it saw among the others', async () => {
    const model = causal('cls')
    const { model: lean } = pruned(model, { method: none(), schedule: new Map() })
    const [dense, results] = [await run(model, feeds), await run(lean, feeds)]
    expect(difference(numbers(results.logits), numbers(dense.logits))).toBeLessThan(1e-5)
  })
})
