import {
  add,
  byLayer,
  cast,
  div,
  expand,
  type Method,
  mul,
  neg,
  none,
  random,
  type Schedule,
  schedule,
  shape,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention, cumulativeAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, metadata } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { encoder, inputsOf, plainEncoder, type TestEncoderOptions } from '../test/encoders.ts'
import { pruned } from '../test/pruned.ts'
import { difference, numbers, run, runOnEach } from '../test/run.ts'
import { readProvenance } from './program/provenance.ts'
import type { PruneOptions } from './prune/prune-options.ts'
import { prune } from './transforms/prune.ts'
import { transform } from './transforms/transform.ts'

const plain: TestEncoderOptions = { ...plainEncoder, layerCount: 4 }

const protect = [0]
const methods: readonly (readonly [string, PruneOptions['method']])[] = [
  ['received', receivedAttention()],
  ['cls', clsAttention()],
  ['random', random({ seed: 3 })],
]

describe('pruning a pruned file again gives what one pruning gives', () => {
  const norms = ['pre', 'post'] as const
  const masks = ['none', 'added', 'added whole', 'chosen'] as const
  const poolings = ['cls', 'masked mean', 'none'] as const
  const budgets = [{ keep: 0.6 }, { tokens: 4 }, { mass: 0.8 }]
  for (const [i, mask] of masks.entries()) {
    for (const [j, pooling] of inTurn([...poolings.entries()], i, 2)) {
      const norm = norms[(i + j) % 2] as 'pre' | 'post'
      const [before, after] = [budgets[j] as object, budgets[(i + j) % 3] as object]
      test(`${norm}-norm, mask ${mask}, pooling ${pooling}, ${JSON.stringify([before, after])}`, async () => {
        const options = { ...plain, norm, mask, pooling }
        const model = decodeModel(encoder(options))
        const parts = [
          schedule(4, { layers: [0], ...before }),
          schedule(4, { layers: [1], keep: 0.8 }),
          schedule(4, { layers: [2], ...after }),
        ]
        let again = model
        for (const [k, part] of parts.entries()) {
          again = pruned(again, {
            method: methods[k]?.[1] as PruneOptions['method'],
            schedule: part,
            protect,
            trace: true,
          })
        }
        const direct = pruned(model, {
          method: byLayer('parts', new Map(methods.map(([, each], layer) => [layer, each])), none()),
          schedule: new Map(parts.flatMap((part) => [...part])),
          protect,
          trace: true,
        })
        expect(readProvenance(again).map(({ cuts }) => cuts.map(({ layer }) => layer))).toEqual([[0], [1], [2]])
        const feeds = [inputsOf(options, 3, 9, 4), inputsOf(options, 1, 4, 4)]
        const expected = await runOnEach(direct, feeds)
        for (const [i, one] of (await runOnEach(again, feeds)).entries()) {
          const other = expected[i] as NamedTensors
          expect(Object.keys(one).sort()).toEqual(Object.keys(other).sort())
          for (const name of Object.keys(other)) {
            expect(one[name]?.dims, name).toEqual(other[name]?.dims)
            // what stands in the slots of fillers is nobody's business
            const attended = name.endsWith('.indices') ? numbers(other[name.replace('indices', 'valid')]) : undefined
            const seen = ({ [name]: x }: NamedTensors): number[] => numbers(x).filter((_, i) => attended?.[i] !== 0)
            expect(difference(seen(one), seen(other)), name).toBeLessThan(1e-5)
          }
        }
      })
    }
  }
})

test.each([
  [{ keep: 0.6 }, { keep: 0.6 }],
  [{ keep: 0.6 }, { mass: 0.8 }],
])('a mean divides by the tokens kept now where only the count reads the mask itself: %j, %j', async (first, then) => {
  let mask: Tensor | undefined
  const options: TestEncoderOptions = {
    ...plain,
    readMask: (input) => {
      mask = input
      return input
    },
    head: (x) => {
      const attended = cast(mask as Tensor, 'float32')
      const spread = expand(unsqueeze(attended, 2), shape(x))
      return div(sum(mul(x, spread), 1), sum(attended, 1, { keepDims: true }))
    },
  }
  const model = decodeModel(encoder(options))
  const [before, after] = [schedule(4, { layers: [0], ...first }), schedule(4, { layers: [2], ...then })]
  const by = (amounts: Schedule): PruneOptions => ({ method: receivedAttention(), schedule: amounts, protect })
  const inputs = inputsOf(options, 3, 9, 4)
  const again = await run(pruned(pruned(model, by(before)), by(after)), inputs)
  const direct = await run(pruned(model, by(new Map([...before, ...after]))), inputs)
  expect(difference(numbers(again.logits), numbers(direct.logits))).toBeLessThan(1e-5)
})

/** Keeps the first tokens, and merges all others into the second one. */
function gatherAll(): Method {
  return {
    name: 'gather-all',
    family: 'baseline',
    reduce: ({ position, budget, attended }) => ({
      keep: budget?.select(neg(position)) ?? attended,
      into: cast(add(mul(position, 0), 1), 'int64'),
      proportional: true,
    }),
  }
}

describe('pruning after merging', () => {
  const merges = { method: gatherAll(), schedule: schedule(4, { layers: [0], remove: 2 }), protect }
  const drops = { method: receivedAttention(), schedule: schedule(4, { layers: [2], keep: 0.6 }), protect }
  const both = byLayer('both', new Map([[0, merges.method]]), drops.method)
  const plan = new Map([...merges.schedule, ...drops.schedule])

  for (const pooling of ['masked mean', 'none'] as const) {
    test(`still prunes tokens, pooling ${pooling}`, async () => {
      const options = { ...plain, pooling }
      const model = decodeModel(encoder(options))
      const again = pruned(pruned(model, merges), drops)
      const direct = pruned(model, { method: both, schedule: plan, protect })
      const inputs = inputsOf(options, 3, 9, 4)
      const [one, other] = [await run(again, inputs), await run(direct, inputs)]
      expect(difference(numbers(one.logits), numbers(other.logits))).toBeLessThan(1e-5)
    })
  }

  test('refuses means that count merged tokens by their size', () => {
    const model = pruned(decodeModel(encoder({ ...plain, pooling: 'mean' })), merges)
    expect(() => transform(model, prune(drops))).toThrow(
      expect.objectContaining({
        code: 'TP_PRUNED',
        message: expect.stringContaining('ReduceMean'),
      }),
    )
  })

  test('merges no more tokens, and omits none from sums', () => {
    const model = pruned(decodeModel(encoder({ ...plain, pooling: 'masked mean' })), merges)
    const at = { schedule: schedule(4, { layers: [2], keep: 0.6 }), protect }
    expect(() => transform(model, prune({ method: gatherAll(), ...at }))).toThrow(
      expect.objectContaining({ code: 'TP_PRUNED', message: expect.stringContaining('merged') }),
    )
    expect(() => transform(model, prune({ ...drops, schedule: schedule(4, { layers: [2], mass: 0.8 }) }))).toThrow(
      expect.objectContaining({
        code: 'TP_PRUNED',
        message: expect.stringContaining('weighs'),
      }),
    )
  })
})

describe('pruning a pruned file refusals', () => {
  const model = decodeModel(encoder(plain))
  const first = { method: receivedAttention(), schedule: schedule(4, { layers: [0], keep: 0.6 }) }
  const then = { method: receivedAttention(), schedule: schedule(4, { layers: [2], keep: 0.6 }) }

  test('for a method that has to see all layers', () => {
    expect(() => transform(pruned(model, first), prune({ ...then, method: cumulativeAttention() }))).toThrow(
      'cumulative-attention keeps state from layer to layer',
    )
  })

  test('for positions that may be missing', () => {
    const once = pruned(model, first)
    expect(() => transform(once, prune({ ...then, protect: [0, 3] }))).toThrow('position 3 was not protected')
    expect(() => transform(once, prune({ ...then, protect: [0] }))).not.toThrow()
  })

  test('for restoring what was not restored before, and the other way round', () => {
    expect(() => transform(pruned(model, first), prune({ ...then, restore: 'all' }))).toThrow(
      expect.objectContaining({ code: 'TP_RESTORE' }),
    )
    expect(() => transform(pruned(model, { ...first, restore: 'all' }), prune({ ...then, restore: 'none' }))).toThrow(
      expect.objectContaining({ code: 'TP_RESTORE' }),
    )
  })

  test('for a graph that its record does not describe', () => {
    for (const edit of [
      (record: string) => record.replace(/"layer":0/, '"layer":1'),
      (record: string) => record.replace(/"after":"[^"]*"/, '"after":"elsewhere"'),
    ]) {
      const once = pruned(model, first)
      const props = metadata(once)
      props.set('tp.pruning', edit(props.get('tp.pruning') as string))
      expect(() => transform(once, prune(then))).toThrow(
        expect.objectContaining({
          code: 'TP_PRUNED',
          message: expect.stringContaining('record'),
        }),
      )
    }
  })
})
