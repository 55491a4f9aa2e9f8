import {
  add,
  axisSize,
  cast,
  constant,
  expand,
  input,
  mean,
  mul,
  type Scorer,
  schedule,
  scorer,
  sequence,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { type Fusion, fusedEncoder, inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type Inspection, inspect, type PruneOptions, prune, transform } from '../src/index.ts'
import { encoder, inputsOf, plainEncoder, type TestEncoderOptions } from './encoders.ts'
import { difference, int64, numbers, run } from './run.ts'

/** Keeps by the states at a layer's input, as methods with a trained network there do. */
function byState(): Scorer {
  return scorer({
    name: 'by-state',
    family: 'baseline',
    site: 'input',
    score: ({ hidden }) => mean(mul(hidden, hidden), 2),
  })
}

const layerCount = 4
const plain: TestEncoderOptions = { ...plainEncoder, layerCount }

function pruned(model: Model, layers: readonly number[], amount: object, more: Partial<PruneOptions> = {}): Model {
  const result = transform(
    model,
    prune({ method: byState(), schedule: schedule(layerCount, { layers, ...amount }), ...more }),
  )
  return decodeModel(encodeModel(result.model))
}

function inspected(model: Model): Inspection {
  const found = inspect(model)
  if (!found.ok) throw new Error(`${found.refusal.code} ${found.refusal.message}`)
  return found
}

/** A mask [b,1,n,n] of all layers, its keys from the model's inputs, its queries as many as the first layer reads. */
function withPairMask(): Model {
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  let stream: Tensor | undefined
  let hidden: Tensor | undefined
  const bytes = encoder({
    ...{ ...plain, mask: 'none' },
    start: (x) => {
      stream = x
      return x
    },
    hide: (scores) => {
      const queries = axisSize(stream as Tensor, 1)
      const pairs = expand(cast(unsqueeze(mask, [1, 2]), 'bool'), [axisSize(mask, 0), 1, queries, axisSize(mask, 1)])
      hidden ??= where(pairs, 0, -1e9)
      return add(scores, hidden)
    },
  })
  return decodeModel(bytes)
}

test('a mask [b,1,n,n] with queries counted by the stream is followed on both axes', async () => {
  const model = withPairMask()
  const inputs = inputsOf(plain, 3, 10, 4)
  const dense = numbers((await run(model, inputs)).logits)
  const whole = pruned(model, [0], { tokens: 99 })
  expect(difference(numbers((await run(whole, inputs)).logits), dense)).toBeLessThan(1e-5)
  const direct = await run(pruned(decodeModel(encoder({ ...plain, mask: 'added' })), [0], { keep: 0.5 }), inputs)
  const seen = await run(pruned(model, [0], { keep: 0.5 }), inputs)
  expect(difference(numbers(seen.logits), numbers(direct.logits))).toBeLessThan(1e-5)
})

/** Pruned once at all of some layers, and once for each of them, is the same; the file says what was done to it. */
async function expectSame(
  model: Model,
  layers: readonly number[],
  amount: object,
  inputs: NamedTensors,
): Promise<void> {
  const { mask } = inspected(model)
  const once = pruned(model, layers, amount)
  let again = model
  for (const [i, layer] of layers.entries()) {
    again = pruned(again, [layer], amount)
    const { pruned: steps, ...seen } = inspected(again)
    expect(steps.map(({ method, cuts }) => [method, cuts.map(({ layer, site }) => [layer, site])])).toEqual(
      layers.slice(0, i + 1).map((each) => ['by-state', [[each, 'input']]]),
    )
    expect([seen.mask, seen.open]).toEqual([mask, layer + 1])
  }
  const [one, other] = [await run(once, inputs), await run(again, inputs)]
  expect(other.logits?.dims).toEqual(one.logits?.dims)
  const dense = numbers((await run(model, inputs)).logits)
  expect(difference(numbers(one.logits), numbers(other.logits))).toBeLessThan(1e-5)
  expect(difference(numbers(one.logits), dense), 'something was pruned').toBeGreaterThan(1e-3)
}

test('the second of two methods gets its trained values only where it prunes', () => {
  const gained = scorer({
    name: 'gained',
    family: 'attention',
    params: { gain: { dims: [1], init: 1 } },
    score: ({ received, param }) => mul(received, param.gain as Tensor),
  })
  const requested: number[] = []
  const params = (layer: number) => {
    requested.push(layer)
    return { gain: constant([2], 'float32', [1]) }
  }
  const method = sequence({ ...byState(), unscheduled: true }, gained)
  pruned(decodeModel(encoder(plain)), [1, 2], { keep: 0.5 }, { method, params })
  expect(requested).toEqual([1, 2])
})

describe('a file that was cut at the inputs of layers is recognized, and pruned again as at once', () => {
  const masks = ['none', 'added', 'added whole', 'chosen'] as const
  const poolings = ['cls', 'masked mean', 'none'] as const
  const amounts = [{ keep: 0.6 }, { tokens: 3 }, { remove: 2 }, { mass: 0.5 }]
  for (const [i, mask] of masks.entries()) {
    for (const [j, pooling] of inTurn([...poolings.entries()], i, 2)) {
      const norm = (['pre', 'post'] as const)[(i + j) % 2] as 'pre' | 'post'
      // The weights of a mean that the data decide cannot be changed again.
      const amount = amounts[pooling === 'masked mean' ? j % 2 : (i + 2 * j) % 4] as object
      // The last layer, too, of which the first pruning has removed what nothing reads.
      const layers = (i + Math.floor(j / 2)) % 2 === 0 ? [0, 1] : [2, 3]
      test(`${norm}-norm, mask ${mask}, pooling ${pooling}, ${JSON.stringify(amount)} at layers ${layers}`, async () => {
        const options = { ...plain, norm, mask, pooling }
        await expectSame(decodeModel(encoder(options)), layers, amount, inputsOf(options, 3, 9, 4))
      })
    }
  }

  const fusions: readonly Fusion[] = ['Attention', 'MultiHeadAttention', "ONNX's Attention", 'QAttention']
  const all = Array.from({ length: 27 }, (_, i) => i)
  const inputs: NamedTensors = {
    input_ids: int64(
      [3, 9],
      all.map((i) => (i * 7 + 3) % 30),
    ),
    attention_mask: int64(
      [3, 9],
      all.map((i) => (i % 9 < 9 - 2 * Math.floor(i / 9) ? 1 : 0)),
    ),
  }
  for (const [row, fusion] of fusions.entries()) {
    for (const amount of inTurn([{ keep: 0.6 }, { mass: 0.5 }], row, 1)) {
      test(`with attention as one operator, ${fusion}, ${JSON.stringify(amount)}`, async () => {
        const model = fusedEncoder({ fusion, layerCount, norm: 'post', pooling: 'cls', seed: 3 })
        await expectSame(model, [0, 2], amount, inputs)
        const kept = numbers((await run(pruned(model, [0, 2], { tokens: 99 }), inputs)).logits)
        expect(difference(kept, numbers((await run(model, inputs)).logits))).toBeLessThan(
          fusion === 'QAttention' ? 0.05 : 1e-5,
        )
      })
    }
  }

  test('except where the stream that the record names is another one', () => {
    const model = pruned(decodeModel(encoder(plain)), [1], { keep: 0.6 })
    const other = pruned(decodeModel(encoder(plain)), [2], { keep: 0.6 })
    const record = other.proto.metadataProps.find(({ key }) => key === 'tp.pruning')?.value as string
    for (const entry of model.proto.metadataProps) if (entry.key === 'tp.pruning') entry.value = record
    const found = inspect(model)
    expect(!found.ok && found.refusal).toMatchObject({ code: 'TP_PRUNED', message: expect.stringContaining('record') })
  })
})
