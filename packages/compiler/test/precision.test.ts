import { readFileSync } from 'node:fs'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { compareWithSibling, dataSets, fullPrecision, openFixture, variants } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { fixtures, inspectFixture } from './fixtures.ts'
import { batchOf, mailModel, plainRow, type TextModel } from './texts.ts'

/** Rounding alone, where the two dense runs are equal. */
const LEAST = 1e-4

/**
 * Quantized and half-precision files are compared with the same weights in float32, pruned the same way: outputs to
 * twice the distance of the two dense runs, and kept tokens but for those whose scores lie within the rounding.
 */
describe('a file in less precision keeps the tokens that it keeps in float32', () => {
  let row = 0
  for (const fixture of fixtures) {
    const model = openFixture(fixture)
    if (!fixture.facts.prunable) continue
    const sibling = fullPrecision(model)
    if (sibling === undefined || !inspectFixture(fixture).ok) continue
    // The first of each six.
    if (row++ % 6 > 0) continue
    test(fixture.name, { timeout: 60_000 }, async () => {
      const { tokens, maskInput } = fixture.facts
      const batches = dataSets(fixture).flatMap(({ inputs }) => [inputs, ...variants(inputs, maskInput, 2)])
      await expectAlike(model, sibling, batches, { 0: Math.ceil(tokens * 0.75), 1: Math.ceil(tokens * 0.5) })
    })
  }

  testTrained(mailModel(24, 90), modelPath('mail', 'int8'))
})

/** A trained model whose sibling is a file of its own. */
function testTrained({ name, model, texts }: TextModel, int8: string): void {
  test(`${name}, int8`, { timeout: 60_000 }, async () => {
    const batches = [0, 8, 16].map((from) => {
      const list = texts.slice(from, from + 8).map(plainRow)
      return batchOf(list, Math.max(...list.map(({ ids }) => ids.length)))
    })
    await expectAlike(decodeModel(readFileSync(int8)), model, batches, { 1: 30, 3: 15 })
  })
}

async function expectAlike(
  model: Model,
  sibling: Model,
  batches: readonly NamedTensors[],
  keep: Readonly<Record<number, number>>,
): Promise<void> {
  const { dense, pruned, rows, same, scoreError, gap } = await compareWithSibling(model, sibling, batches, {
    prune: (source, method, amounts) => {
      const result = transform(source, prune({ method, schedule: amounts, protect: [0], trace: true }))
      return result.model
    },
    attentions: (source) => {
      const seen = inspect(source)
      return seen.ok ? seen.layers.map(({ attention }) => attention) : []
    },
    method: clsAttention(),
    keep,
  })
  expect(pruned).toBeLessThanOrEqual(Math.max(LEAST, 2 * dense))
  expect(gap, `${rows - same} of ${rows} rows keep other tokens`).toBeLessThanOrEqual(2 * scoreError)
}
