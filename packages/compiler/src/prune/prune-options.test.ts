import { isTpError, type Schedule } from '@tp/core'
import { amountKinds, amountNames } from '@tp/core/host'
import { methods as attention, receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { thorough } from 'exported-encoders'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encoder, inputsOf } from '../../test/encoders.ts'
import { numbers, run } from '../../test/run.ts'
import {
  checkPlan,
  countFlops,
  inspect,
  type PruneOptions,
  pack,
  prune,
  soften,
  transform,
  transformsOf,
} from '../index.ts'

const form = { layerCount: 3, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17 } as const
const model = decodeModel(encoder({ ...form, seed: 1 }))
const before = encodeModel(model)
const inputs = inputsOf({ ...form, seed: 1 }, 2, 5, 3)
const method = receivedAttention()
const half: Schedule = new Map([[1, { kind: 'ratio', value: 0.5 }]])

/** The result of `prune` for options that no type has checked: a model, or the code of a refusal or an error. */
function outcome(options: unknown, source: unknown = model): Model | string {
  try {
    return transform(source as Model, prune(options as PruneOptions)).model
  } catch (error) {
    return isTpError(error) ? error.code : `uncoded: ${error}`
  }
}

const at = (kind: string, value: unknown): unknown => new Map([[1, { kind, value }]])

test.each<[string, unknown]>([
  ['a ratio of NaN', at('ratio', Number.NaN)],
  ['a ratio of 2', at('ratio', 2)],
  ['a ratio that rounds to none', at('ratio', 1e-9)],
  ['a ratio as text', at('ratio', '0.5')],
  ['zero tokens', at('tokens', 0)],
  ['more tokens than a number can hold', at('tokens', 2 ** 60)],
  ['a negative number of tokens to remove', at('remove', -5)],
  ['a threshold of NaN', at('threshold', Number.NaN)],
  ['a threshold beyond float32', at('threshold', 1e39)],
  ['a mass of 2', at('mass', 2)],
  ['an unknown kind', at('banana', 1)],
  ['a kind that every object inherits', at('__proto__', 1)],
  ['an amount that is a number', new Map([[1, 0.5]])],
  ['a fractional layer', new Map([[1.5, half.get(1)]])],
  ['a layer as text', new Map([['1', half.get(1)]])],
  ['a layer beyond the last', new Map([[3, half.get(1)]])],
  ['an object in place of a map', { 1: { kind: 'ratio', value: 0.5 } }],
  ['nothing', null],
  ['a map of 200,000 layers', new Map(Array.from({ length: 200_000 }, (_, i) => [i, { kind: 'ratio', value: 0.5 }]))],
])('refuses a schedule with %s', (_, schedule) => {
  expect(outcome({ method, schedule })).toBe('TP_SCHEDULE')
  expect(outcome({ method, schedule: () => schedule })).toBe('TP_SCHEDULE')
})

test.each<[object, string]>([
  [{ protect: [-1] }, 'TP_PROTECT'],
  [{ protect: [1e12] }, 'TP_PROTECT'],
  [{ protect: 'none' }, 'TP_PROTECT'],
  [{ restore: 'foo' }, 'TP_OPTION'],
  [{ trace: 'foo' }, 'TP_OPTION'],
  [{ monitor: 1 }, 'TP_OPTION'],
  [{ deadTokens: null }, 'TP_OPTION'],
  [{ params: {} }, 'TP_OPTION'],
  [{ source: 'x'.repeat(200) }, 'TP_OPTION'],
  [{ leaveOut: [0] }, 'TP_OPTION'],
  [{ quantize: {} }, 'TP_OPTION'],
  [{ keep: 0.5 }, 'TP_OPTION'],
  [{ toString: undefined }, 'TP_OPTION'],
  [{ outputs: [] }, 'TP_OUTPUT'],
  [{ outputs: [3] }, 'TP_OUTPUT'],
  [{ encoder: 'x' }, 'TP_ENCODER'],
  [{ encoder: 5 }, 'TP_ENCODER'],
  [{ method: null }, 'TP_METHOD'],
  [{ method: 'received-attention' }, 'TP_METHOD'],
  [{ method: { name: 'x', family: 'baseline' } }, 'TP_METHOD'],
  [{ method: { reduce: () => ({}) } }, 'TP_METHOD'],
  [{ method: { ...method, site: 'output' } }, 'TP_METHOD'],
])('refuses an option with its own code: %j', (options, code) => {
  expect(outcome({ method, schedule: half, ...options })).toBe(code)
})

test('refuses what is not a model and what are not options wherever one is taken', () => {
  const none = expect.objectContaining({ code: 'TP_NOT_ONNX' })
  for (const value of [null, {}, { proto: {} }] as unknown as Model[]) {
    expect(outcome({ method, schedule: half }, value)).toBe('TP_NOT_ONNX')
    expect(outcome({ method, schedule: half, outputs: ['logits'] }, value)).toBe('TP_NOT_ONNX')
    expect(() => inspect(value)).toThrow(none)
    expect(() => transform(value, pack())).toThrow(none)
    expect(() => countFlops(value, { batch: 1 })).toThrow(none)
    expect(() => decodeModel(value as never)).toThrow(none)
  }
  expect([outcome(null), outcome(undefined), outcome('keep')]).toEqual(['TP_OPTION', 'TP_OPTION', 'TP_OPTION'])
})

test('checks layers of a soft form like those of a schedule', () => {
  const soft = { ...method, training: { soften: () => ({}) } } as never
  for (const layers of [[-1], [1.5], ['1'], [3], [1, 1], [], 'all', null]) {
    const run = () => soften(model, { method: soft, layers: layers as never, params: () => ({}) })
    expect(run).toThrow(expect.objectContaining({ code: 'TP_SCHEDULE' }))
  }
  expect(() => soften(model, { method: null as never, layers: [1], params: () => ({}) })).toThrow(
    expect.objectContaining({ code: 'TP_METHOD' }),
  )
})

test('a pruning does not see later changes of its schedule', () => {
  const own = new Map(half)
  const result = transform(model, prune({ method, schedule: own }))
  own.set(2, { kind: 'ratio', value: 0.1 })
  expect([...(result.reports[0].encoders[0]?.schedule ?? [])]).toEqual([...half])
})

test('gives a file that runs or a code for any schedule, and does not change the model', async () => {
  const number = fc.oneof(
    fc.constantFrom(0, -1, 0.5, 1, 1.5, 2, 1e-9, 1e39, 2 ** 31, 2 ** 53, 2 ** 60, Number.NaN, Infinity, -Infinity, -0),
    fc.double(),
    fc.integer({ min: 0, max: 9 }),
  )
  const kind = fc.constantFrom(...amountKinds)
  const sound = fc.record({ kind, value: number })
  const entry = fc.oneof({ weight: 4, arbitrary: sound }, { weight: 1, arbitrary: fc.jsonValue() })
  const layer = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 2 }) }, { weight: 1, arbitrary: number })
  const schedule = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.tuple(layer, entry), { maxLength: 3 }).map((pairs) => new Map<unknown, unknown>(pairs)),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  let made = 0
  await fc.assert(
    fc.asyncProperty(schedule, async (amounts) => {
      const seen = outcome({ method, schedule: amounts })
      if (typeof seen === 'string') {
        expect(seen).toMatch(/^TP_[A-Z_]+$/)
        return
      }
      made += 1
      const { logits } = await run(encodeModel(seen), inputs)
      expect(numbers(logits as never).every(Number.isFinite)).toBe(true)
    }),
    { numRuns: thorough(30, 100) },
  )
  expect(made).toBeGreaterThan(3)
  expect(Buffer.compare(encodeModel(model), before)).toBe(0)
})

test('gives a file that runs or a code for any JSON as a plan', async () => {
  const methods = attention.filter(({ name }) => ['received-attention', 'cls-attention', 'key-norm'].includes(name))
  const list = fc.array(fc.constantFrom(0, 1, 2, 0.5, 0.9, -1, 1e300, 3), { maxLength: 3 })
  const amount = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0.5, 1, 2, 3, 0, -1, 1e300) }, list, fc.jsonValue())
  const fields = {
    layers: fc.oneof({ weight: 3, arbitrary: fc.constantFrom([1], [0, 1], [2]) }, list, fc.jsonValue()),
    protect: fc.oneof(fc.constantFrom('auto', [0], []), list, fc.jsonValue()),
    restore: fc.oneof(fc.constantFrom('auto', 'none', 'all'), fc.jsonValue()),
    params: fc.oneof(fc.constantFrom({}, { queries: 4 }), fc.jsonValue()),
    encoder: fc.oneof(fc.constantFrom('input_ids', 'x'), fc.jsonValue()),
    ['__proto__']: fc.jsonValue(),
  }
  const amounts = Object.fromEntries(amountNames.map((name) => [name, amount]))
  const of = (arbitraries: Record<string, fc.Arbitrary<unknown>>, most: number) =>
    fc.array(
      fc
        .constantFrom(...Object.keys(arbitraries))
        .chain((name) => fc.tuple(fc.constant(name), arbitraries[name] as fc.Arbitrary<unknown>)),
      { maxLength: most },
    )
  const name = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('received-attention', 'key-norm') },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  const plan = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(name, of(amounts, 1), of(fields, 2)).map(([method, kinds, others]) => {
        const text = [['format', 1], ['method', method], ...kinds, ...others]
        return JSON.parse(
          `{${text.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
        )
      }),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  let made = 0
  await fc.assert(
    fc.asyncProperty(plan, async (drawn) => {
      let seen: Model | string
      try {
        seen = transform(model, ...transformsOf(checkPlan(drawn, 'plan.json'), methods)).model
      } catch (error) {
        seen = isTpError(error) ? error.code : `uncoded: ${error}`
      }
      if (typeof seen === 'string') {
        expect(seen).toMatch(/^TP_[A-Z_]+$/)
        return
      }
      made += 1
      await run(encodeModel(seen), inputs)
    }),
    { numRuns: thorough(25, 60) },
  )
  expect(made).toBeGreaterThan(3)
})
