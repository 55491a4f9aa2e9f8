import { type Method, none, schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { cloneModel, type Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, type PruneOptions, prune, transform } from '../src/index.ts'
import { unfuse } from '../src/normalize/unfuse.ts'
import { Program } from '../src/program/program.ts'
import { dataSets, type Fixture, fixtures, openFixture } from './fixtures.ts'
import { withoutProbabilities } from './fused-methods.ts'
import { difference, numbers, runOnEach } from './run.ts'

const ATTENTIONS = ['Attention', 'MultiHeadAttention']
const layers = [0, 1]

describe('exported encoders with fused attention', () => {
  const fused = fixtures.filter((fixture) => countOf(openFixture(fixture), ATTENTIONS) > 0)
  if (fused.length === 0) {
    test.skip('optimized encoders and those of opset 23 (left out: the folder of shared fixtures is not here)', () => {})
  }
  for (const [row, fixture] of fused.entries()) {
    describe(fixture.name, { timeout: 30_000 }, () => testFused(fixture, row))
  }
})

function testFused(fixture: Fixture, row: number): void {
  const model = openFixture(fixture)
  const plain = cloneModel(model)
  unfuse(new Program(plain))
  const seen = inspect(model)
  if (!seen.ok) throw new Error(seen.refusal.message)
  const layerCount = seen.layers.length
  const some = schedule(layerCount, { layers, keep: 0.6 })
  const all = schedule(layerCount, { layers, tokens: 9999 })
  const inputs = dataSets(fixture).map((set) => set.inputs)
  let dense: Promise<NamedTensors[]> | undefined
  const lean = countOf(pruned(model, { method: none(), schedule: new Map() }), ATTENTIONS)

  test('has one operator per layer, named by inspect', () => {
    expect(countOf(model, ATTENTIONS)).toBe(layerCount)
    expect(seen.layers.filter((layer) => layer.fused === undefined)).toEqual([])
  })

  test.each(inTurn(withoutProbabilities, row, 1))(
    'keeps attention fused at all layers under a method that reads %s',
    async (_, method) => {
      const whole = pruned(model, { method, schedule: some, deadTokens: false })
      expect(countOf(whole, ATTENTIONS)).toBe(layerCount)
      expectOthersFused(whole)
      // In the last layer there may be only one token's query.
      expect(countOf(pruned(model, { method, schedule: some }), ATTENTIONS)).toBe(lean)
      await expectRight(method)
    },
  )

  test('writes attention out only at the sites where the probabilities are read', async () => {
    const method = receivedAttention()
    const kept = pruned(model, { method, schedule: some, deadTokens: false })
    expect(countOf(kept, ATTENTIONS)).toBe(layerCount - layers.length)
    expectOthersFused(kept)
    await expectRight(method)
  })

  /** Norms part from their residuals only where tokens are pruned between the two. */
  function expectOthersFused(kept: Model): void {
    const isPre = seen.ok && seen.layers.some(({ norm }) => norm === 'pre')
    const between = isPre ? layers.length : 0
    const norms = ['SkipLayerNormalization']
    const has = countOf(model, norms)
    expect(countOf(kept, norms)).toBe(has === 0 ? 0 : has - between)
    const others = ['EmbedLayerNormalization', 'BiasGelu', 'FastGelu', 'Gelu']
    expect(countOf(kept, others)).toBe(countOf(model, others))
  }

  /** As the plain sibling, and as the dense model where everything is kept. */
  async function expectRight(method: Method): Promise<void> {
    const fewer = await runOnEach(pruned(model, { method, schedule: some }), inputs)
    expectSame(fewer, await runOnEach(pruned(plain, { method, schedule: some }), inputs))
    dense ??= runOnEach(model, inputs)
    expectSame(await runOnEach(pruned(model, { method, schedule: all }), inputs), await dense)
  }
}

function pruned(model: Model, options: PruneOptions): Model {
  const result = transform(model, prune({ protect: [0], ...options }))
  return result.model
}

function countOf(model: Model, types: readonly string[]): number {
  return (model.proto.graph?.node ?? []).filter(({ opType }) => types.includes(opType)).length
}

function expectSame(results: readonly NamedTensors[], expected: readonly NamedTensors[]): void {
  for (const [i, outputs] of expected.entries()) {
    for (const [name, tensor] of Object.entries(outputs)) {
      expect(results[i]?.[name]?.dims).toEqual(tensor.dims)
      expect(difference(numbers(results[i]?.[name]), numbers(tensor)), name).toBeLessThan(1e-5)
    }
  }
}
