import { readFileSync } from 'node:fs'
import { axisSize, cast, div, type Method, type Schedule, schedule, sum, type Tensor } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { ats, receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { inTurn, seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { encoder, type TestEncoderOptions } from './encoders.ts'
import { dataSets, fixtures, openFixture } from './fixtures.ts'
import { difference, float32, open, rows } from './run.ts'

/** Fixtures with every kind of pooling, with and without a mask. */
const names = [
  'timm-vit-avgpool-ts17',
  'bert-cls-eager-ts11',
  'bert-qa-sdpa-ts17',
  'distilbert-cls-eager-ts14',
  'bert-meanpool-ts14',
  'xlm-roberta-meanpool-ts14',
  'vit-cls-sdpa-dynamo18',
  'deit-distilled-ts17',
  'dinov2-cls-ts17',
  'timm-vit-registers-dynamo20',
  'nomic-like-ts17',
  'whisper-encoder-ts17',
  't5-encoder-ts14',
  'modernbert-cls-sdpa-ts17',
  'jina-alibi-like-ts14',
]

const ragged: readonly { readonly name: string; readonly schedule: Schedule }[] = [
  { name: 'mass at two layers', schedule: schedule(3, { layers: [0, 1], mass: [0.8, 0.7] }) },
  { name: 'mass at every layer', schedule: schedule(3, { layers: [0, 1, 2], mass: 0.75 }) },
  { name: 'threshold at the last two layers', schedule: schedule(3, { layers: [1, 2], threshold: 0.06 }) },
  {
    name: 'mass, then a fixed ratio',
    schedule: new Map([...schedule(3, { layers: [0], mass: 0.8 }), ...schedule(3, { layers: [1], keep: 0.9 })]),
  },
]

describe('rows that keep different numbers of tokens give what they give alone', () => {
  for (const [row, name] of names.entries()) {
    const fixture = fixtures.find((candidate) => candidate.name === name)
    if (fixture === undefined) {
      test.skip(`${name} (left out: the shared folder is not here)`, () => {})
      continue
    }
    const model = openFixture(fixture)
    const [set] = dataSets(fixture)
    for (const { name: rule, schedule: amounts } of inTurn(ragged, row, 1)) {
      test(`${name}: ${rule}`, async () => {
        await expectRowsAlone(model, batchOf(set?.inputs as NamedTensors), amounts)
      })
    }
    if (row % 2 === 1 || !hasClassToken(model)) continue
    test(`${name}: ATS`, async () => {
      await expectRowsAlone(
        model,
        batchOf(set?.inputs as NamedTensors),
        schedule(3, { layers: [0, 1], keep: 0.6 }),
        ats(),
      )
    })
  }

  const siglip = fixtures.find(({ name }) => name === 'siglip-vision-pool-ts17')
  if (siglip === undefined)
    test.skip('with heads folded into the batch of a pooling attention (left out: the shared folder is not here)', () => {})
  else {
    test('siglip-vision-pool-ts17, whose pooling attention folds its heads into the batch: mass', async () => {
      const [set] = dataSets(siglip)
      await expectRowsAlone(
        openFixture(siglip),
        batchOf(set?.inputs as NamedTensors),
        schedule(3, { layers: [0, 1], mass: 0.8 }),
      )
    })
  }

  test('digits-vit: mass', async () => {
    const model = decodeModel(readFileSync(modelPath('digits-vit')))
    const normal = seeded(3)
    const pixels = float32(
      [4, 1, 28, 28],
      Array.from({ length: 4 * 784 }, (_, i) => normal() * (1 + Math.floor(i / 784))),
    )
    await expectRowsAlone(model, { pixel_values: pixels }, schedule(6, { layers: [1, 3], mass: 0.6 }))
  })
})

function hasClassToken(model: Model): boolean {
  const seen = inspect(model)
  return seen.ok && seen.classToken !== undefined
}

/** Four rows: the two that the fixture has, and changed copies of them. */
function batchOf(inputs: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      const parts = rows(tensor)
      const normal = seeded(name.length)
      const changed = parts.map((part) => (tensor.type === 'float32' ? part.map((x) => 2 * x + normal()) : [...part]))
      if (name === 'input_ids') for (const part of changed) part.splice(2, 4, ...part.slice(2, 6).reverse())
      return [name, ofType(tensor, [...parts, ...changed])]
    }),
  )
}

function ofType({ type, dims }: TensorLike, list: readonly (readonly number[])[]): TensorLike {
  const shape = [list.length, ...dims.slice(1)]
  const all = list.flat()
  return type === 'int64' ? { type, dims: shape, data: BigInt64Array.from(all, BigInt) } : float32(shape, all)
}

async function expectRowsAlone(
  model: Model,
  inputs: NamedTensors,
  amounts: Schedule,
  method: Method = receivedAttention(),
): Promise<void> {
  const result = transform(model, prune({ method, schedule: amounts, trace: true }))
  await using session = await open(result.model)
  const together = await session.run(inputs)
  const outputs = Object.keys(together).filter((name) => !name.startsWith('tp.trace'))
  const batch = Object.values(inputs)[0]?.dims[0] as number
  for (let row = 0; row < batch; row++) {
    const one = Object.fromEntries(
      Object.entries(inputs).map(([name, x]) => [name, ofType(x, [rows(x)[row] as number[]])]),
    )
    const alone = await session.run(one)
    for (const name of outputs) {
      expect(together[name]?.dims.slice(1), name).toEqual(alone[name]?.dims.slice(1))
      expect(difference(rows(together[name])[row] as number[], rows(alone[name])[0] as number[]), name).toBeLessThan(
        1e-4,
      )
    }
  }
  const valid = Object.keys(together).filter((name) => name.endsWith('.valid'))
  const counts = valid.map((name) => rows(together[name]).map((row) => row.reduce((sum, is) => sum + is, 0)))
  // Rows that all keep the same number would show nothing.
  expect(counts.some((ofLayer) => new Set(ofLayer).size > 1)).toBe(true)
}

test('refuses a mean that divides by the number of slots', () => {
  const byCount = (x: Tensor): Tensor => div(sum(x, 1), cast(axisSize(x, 1), 'float32'))
  const options: TestEncoderOptions = {
    layerCount: 3,
    heads: 2,
    headDim: 4,
    norm: 'pre',
    mask: 'added',
    pooling: 'none',
    opset: 17,
    seed: 3,
    head: byCount,
  }
  const model = decodeModel(encoder(options))
  const how = { method: receivedAttention(), trace: true }
  expect(() => transform(model, prune({ ...how, schedule: schedule(3, { mass: 0.8 }) }))).toThrow(
    expect.objectContaining({ code: 'TP_POOLING' }),
  )
  expect(() => transform(model, prune({ ...how, schedule: schedule(3, { keep: 0.5 }) }))).not.toThrow()
})
