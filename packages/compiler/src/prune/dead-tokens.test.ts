import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { none } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { dataSets, fixture, fixtures, openFixture, sharedFolder } from '../../test/fixtures.ts'
import { difference, float32, int64, numbers, run } from '../../test/run.ts'
import { countFlops, type Sizes } from '../flops.ts'
import { prune } from '../transforms/prune.ts'
import { transform } from '../transforms/transform.ts'

function lean(model: Model): Model {
  const result = transform(model, prune({ method: none(), schedule: new Map() }))
  return result.model
}

async function expectExact(model: Model, inputs: NamedTensors): Promise<void> {
  const [dense, without] = [await run(model, inputs), await run(lean(model), inputs)]
  expect(Object.keys(without)).toEqual(Object.keys(dense))
  for (const name of Object.keys(dense)) {
    expect(without[name]?.dims).toEqual(dense[name]?.dims)
    expect(difference(numbers(without[name]), numbers(dense[name]))).toBeLessThan(1e-6)
  }
}

function expectShare(model: Model, at: Sizes, low: number, high: number): void {
  const share = countFlops(lean(model), at) / countFlops(model, at)
  expect(share).toBeGreaterThan(low)
  expect(share).toBeLessThan(high)
}

/** For hidden size 32 and feed-forward 40: what `dead` of the last layer's tokens cost but for their keys and values. */
function expectSaving(model: Model, n: number, dead: number): void {
  const [d, f] = [32, 40]
  const saved = countFlops(model, { batch: 1 }) - countFlops(lean(model), { batch: 1 })
  expect(saved).toBe(dead * (2 * d * d + 2 * n * d + 2 * d * f))
}

function text(batch: number, tokens: number, padding: number): Record<string, TensorLike> {
  const at = Array.from({ length: batch * tokens }, (_, i) => i % tokens)
  return {
    input_ids: int64(
      [batch, tokens],
      at.map((i) => (i === 0 ? 2 : 100 + ((i * 7919) % 4000))),
    ),
    attention_mask: int64(
      [batch, tokens],
      at.map((i) => (i < tokens - padding ? 1 : 0)),
    ),
  }
}

describe('removing what no output reads changes nothing', () => {
  // One layer of L, of which queries, output and feed-forward are 10/12 of 12·n·d² and attention 2·n²·d nearly whole.
  test('mail', async () => {
    const model = decodeModel(readFileSync(modelPath('mail')))
    await expectExact(model, text(1, 32, 0))
    await expectExact(model, text(3, 50, 9))
    expectShare(model, { batch: 1, tokens: 32 }, 1 - 1 / 6, 1 - 0.8 / 6)
    expectShare(model, { batch: 8, tokens: 512 }, 1 - 1 / 6, 1 - 0.8 / 6)
  })

  test('digits-vit', async () => {
    const model = decodeModel(readFileSync(modelPath('digits-vit')))
    const normal = seeded(1)
    await expectExact(model, { pixel_values: float32([2, 1, 28, 28], Array.from({ length: 2 * 784 }, normal)) })
    expectShare(model, { batch: 1 }, 1 - 1 / 6, 1 - 0.8 / 6)
  })

  const minilm = join(sharedFolder, 'models/minilm-sentiment/model.onnx')
  if (existsSync(minilm)) {
    test('minilm', async () => {
      const model = decodeModel(readFileSync(minilm))
      await expectExact(model, text(2, 40, 5))
      expectShare(model, { batch: 1, tokens: 128 }, 1 - 1 / 6, 1 - 0.8 / 6)
    })
  } else test.skip('minilm (left out: the shared folder is not here)', () => {})

  test('fixed shapes', () => {
    expectSaving(openFixture(fixture('vit-cls-static-ts11')), 17, 16)
  })

  const deit = fixtures.find(({ name }) => name === 'deit-distilled-ts17')
  if (deit !== undefined) {
    test('a head that reads two tokens', async () => {
      const model = openFixture(deit)
      for (const { inputs } of dataSets(deit)) await expectExact(model, inputs)
      expectSaving(model, deit.facts.tokens, deit.facts.tokens - 2)
    })
  } else test.skip('a head that reads two tokens (left out: the shared folder is not here)', () => {})
})

describe('a head that reads one token of each row at another position', () => {
  const siglip = fixtures.find(({ name }) => name === 'siglip-text-ts17')
  if (siglip !== undefined) {
    test('the last one', async () => {
      const model = openFixture(siglip)
      for (const { inputs } of dataSets(siglip)) await expectExact(model, inputs)
      expectSaving(model, siglip.facts.tokens, siglip.facts.tokens - 1)
    })
  } else test.skip('the last one (left out: the shared folder is not here)', () => {})
})

describe('no layer changes where every token is read', () => {
  for (const name of ['bert-qa-sdpa-ts17', 'timm-vit-avgpool-ts17']) {
    test(name, () => {
      const model = openFixture(fixture(name))
      const products = (of: Model): string[] =>
        new Graph(of).nodes
          .filter(({ opType }) => ['MatMul', 'Gemm', 'Add', 'Softmax', 'LayerNormalization'].includes(opType))
          .map((node) => `${node.opType} ${node.input} ${node.output}`)
      expect(products(lean(model))).toEqual(products(model))
    })
  }
})
