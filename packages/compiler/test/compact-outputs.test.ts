import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { MASK, POSITIONS } from '../src/index.ts'
import { encoder, inputsOf, type TestEncoderOptions } from './encoders.ts'
import { dataSets, fixtures, openFixture } from './fixtures.ts'
import { pruned } from './pruned.ts'
import { difference, rows, run } from './run.ts'

const tagger: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'none', opset: 17, seed: 1 },
}

/** Rows of compact outputs are the restored ones of kept tokens; mask and positions say which they are. */
async function expectCompact(model: Model, output: string, layerCount: number, inputs: Parameters<typeof run>[1]) {
  for (const amounts of [{ keep: 0.6 }, { mass: 0.7 }]) {
    const options = { method: receivedAttention(), schedule: schedule(layerCount, amounts), trace: true }
    const compact = await run(pruned(model, { ...options, restore: 'none' }), inputs)
    const restored = await run(pruned(model, options), inputs)
    const last = layerCount - 1
    const mask = compact[MASK]
    const [batch, count] = (compact[output]?.dims ?? []) as [number, number]
    expect(mask).toMatchObject({ type: 'int64', dims: [batch, count] })
    expect(count).toBeLessThan(restored[output]?.dims[1] as number)
    expect(rows(mask)).toEqual(rows(compact[`tp.trace.${last}.valid`]))
    const indices = rows(compact[`tp.trace.${last}.indices`])
    expect(compact[POSITIONS]).toMatchObject({ type: 'int64', dims: [batch, count] })
    expect(rows(compact[POSITIONS])).toEqual(indices)
    const width = compact[output]?.dims[2] as number
    const [small, full] = [rows(compact[output]), rows(restored[output])]
    const row = (list: number[] | undefined, i: number): number[] => (list ?? []).slice(i * width, (i + 1) * width)
    for (const [b, slots] of rows(mask).entries()) {
      expect(slots).toContain(1)
      for (const [slot, attended] of slots.entries()) {
        if (attended !== 1) continue
        expect(difference(row(small[b], slot), row(full[b], indices[b]?.[slot] as number))).toBeLessThan(1e-5)
      }
    }
  }
}

describe('without restoring, outputs for each token have a row for each kept one, a mask and positions', () => {
  test('with padding', async () => {
    await expectCompact(decodeModel(encoder(tagger)), 'logits', 3, inputsOf(tagger, 3, 9, 2))
  })

  test('without a mask input', async () => {
    const options = { ...tagger, mask: 'none' } as const
    await expectCompact(decodeModel(encoder(options)), 'logits', 3, inputsOf(options, 2, 9, 2))
  })

  test('after a second pruning, too', async () => {
    const model = decodeModel(encoder(tagger))
    const at = (layer: number) =>
      ({ method: receivedAttention(), schedule: schedule(3, { layers: [layer], keep: 0.6 }), restore: 'none' }) as const
    const once = await run(pruned(pruned(model, at(0)), at(2)), inputsOf(tagger, 3, 9, 2))
    expect(once[MASK]?.dims).toEqual([3, 4])
    expect(once.logits?.dims).toEqual([3, 4, 3])
    const { [POSITIONS]: positions } = once
    const traced = await run(pruned(pruned(model, at(0)), { ...at(2), trace: true }), inputsOf(tagger, 3, 9, 2))
    expect(rows(positions)).toEqual(rows(traced['tp.trace.2.indices']))
    expect(Math.max(...rows(positions).flat())).toBeGreaterThanOrEqual(4)
  })

  test('but no mask where the head pools', async () => {
    const model = decodeModel(encoder({ ...tagger, pooling: 'cls' }))
    const options = { method: receivedAttention(), schedule: schedule(3, { keep: 0.6 }), restore: 'none' } as const
    expect(Object.keys(await run(pruned(model, options), inputsOf(tagger, 2, 6, 1)))).toEqual(['logits'])
  })

  const encoders = fixtures.filter(({ facts }) => /encoder$/.test(facts.architecture) && facts.prunable)
  if (encoders.length === 0)
    test.skip('exported encoders of encoder-decoder models (needs the shared fixtures)', () => {})
  for (const found of encoders) {
    test(found.name, async () => {
      const [{ inputs, outputs }] = dataSets(found) as [ReturnType<typeof dataSets>[number]]
      await expectCompact(openFixture(found), Object.keys(outputs)[0] as string, found.facts.layers, inputs)
    })
  }
})
