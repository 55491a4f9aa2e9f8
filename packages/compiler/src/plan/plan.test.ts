import { readFileSync } from 'node:fs'
import { baselines, isTpError, type Method, methodEntry, schedule } from '@tp/core'
import { methods as attention, receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import {
  checkPlan,
  checkRegimes,
  fromPlan,
  hasRegimes,
  inspect,
  type Plan,
  type PruneOptions,
  prune,
  quantize,
  reportOf,
  transform,
  transformsOf,
} from '../index.ts'

const methods = [...baselines, ...attention]
const mail = decodeModel(readFileSync(modelPath('mail')))

const bytesOf = (options: PruneOptions): Uint8Array => {
  const result = transform(mail, prune(options))
  return encodeModel(result.model)
}

test('prunes as its words say', () => {
  const plan = { format: 1, method: 'received-attention', layers: [1, 3], keep: [0.7, 0.5], protect: [0, 1] }
  const planned = bytesOf(fromPlan(checkPlan(plan, 'plan.json'), methods))
  const written = bytesOf({
    method: receivedAttention(),
    schedule: schedule(6, { layers: [1, 3], keep: [0.7, 0.5] }),
    protect: [0, 1],
  })
  expect(Buffer.compare(planned, written)).toBe(0)
})

test('an amount for a method that needs none is refused', () => {
  const alone = methodEntry(() => ({ ...receivedAttention(), name: 'alone', unscheduled: true }) as Method, 'some')
  expect(fromPlan({ format: 1, method: 'alone' }, [alone]).method.name).toBe('alone')
  expect(() => fromPlan({ format: 1, method: 'alone', keep: 0.5 }, [alone])).toThrow(
    expect.objectContaining({ code: 'TP_PLAN', message: expect.stringContaining('alone needs no amount') }),
  )
})

test('a least number of tokens is refused for an encoder', () => {
  const plan = { format: 1, method: 'received-attention', keep: 0.5, leastTokens: 64 } as const
  expect(() => transform(mail, ...transformsOf(plan, methods))).toThrow(
    expect.objectContaining({ code: 'TP_PLAN', message: expect.stringContaining('prompts of decoders') }),
  )
})

test('removes only what no output reads without an amount', () => {
  const result = transform(mail, ...transformsOf({ format: 1, method: 'none' }, methods))
  expect(reportOf(result.reports, 'prune')?.cuts).toEqual([])
})

test('a method that decides by itself acts at the first open layer, or at those that are named', () => {
  const decides: Method = {
    name: 'own',
    family: 'baseline',
    site: 'input',
    unscheduled: true,
    reduce: (site) => ({ keep: site.attended }),
  }
  const own = methodEntry(() => decides, 'all')
  const layersOf = (plan: Omit<Plan, 'format'>, open = 0): number[] => {
    const { schedule } = fromPlan(checkPlan({ format: 1, ...plan }, 'plan.json'), [...methods, own])
    return [...schedule({ name: 'input_features', layerCount: 4, open }).keys()]
  }
  expect(layersOf({ method: 'own' })).toEqual([0])
  expect(layersOf({ method: 'own' }, 2)).toEqual([2])
  expect(layersOf({ method: 'own', layers: [1, 3] })).toEqual([1, 3])
  expect(layersOf({ method: 'own+stride', keep: 0.5 })).toEqual([1, 2, 3])
  expect(() => layersOf({ method: 'stride+own' })).toThrow(/stride cannot act before another method/)
  expect(() => layersOf({ method: 'own+none of these' })).toThrow(/there is no method own\+none of these/)
})

test('stores in 8 bits what it has pruned', () => {
  const plan: Plan = { format: 1, method: 'received-attention', layers: [1], keep: 0.5 }
  const pruned = transform(mail, ...transformsOf(plan, methods))
  const both = transform(mail, ...transformsOf(checkPlan({ ...plan, quantize: {} }, 'plan.json'), methods))
  const after = transform(pruned.model, quantize())
  expect(encodeModel(both.model)).toEqual(encodeModel(after.model))
  expect(reportOf(both.reports, 'quantize')).toEqual(after.reports[0])
  expect(reportOf(both.reports, 'prune')).toEqual(reportOf(pruned.reports, 'prune'))
  expect(reportOf(pruned.reports, 'quantize')).toBeUndefined()
})

test('leaves layers out, whose numbers are those of the file', () => {
  const plan: Plan = { format: 1, method: 'key-norm', keep: 0.5, layers: [1], leaveOut: [4, 2] }
  const { model, reports } = transform(mail, ...transformsOf(checkPlan(plan, 'plan.json'), methods))
  const pruned = reportOf(reports, 'prune')
  expect([pruned?.layerCount, pruned?.cuts.map(({ layer }) => layer)]).toEqual([4, [1]])
  const found = inspect(model)
  expect(found.ok && found.leftOut).toMatchObject([{ layers: [2, 4], of: 6 }])
})

test('counts layers of every encoder, of each by its name, or all that can be pruned', () => {
  const layersOf = (layers: Plan['layers'], name: string, open = 0): number[] => {
    const plan = { format: 1, method: 'key-norm', keep: 0.5, ...(layers && { layers }) }
    return [...fromPlan(checkPlan(plan, 'plan.json'), methods).schedule({ name, layerCount: 4, open }).keys()]
  }
  expect(layersOf([0, 2], 'pixel_values')).toEqual([0, 2])
  expect(layersOf({ pixel_values: [0, 2] }, 'pixel_values')).toEqual([0, 2])
  expect(layersOf({ pixel_values: [0, 2] }, 'input_ids')).toEqual([])
  expect(layersOf({ pixel_values: [0, 2] }, 'toString')).toEqual([])
  expect(layersOf(undefined, 'input_ids')).toEqual([1, 2, 3])
  expect(layersOf(undefined, 'input_ids', 2)).toEqual([2, 3])
})

test('names encoders that the model has', () => {
  const plan: Plan = { format: 1, method: 'key-norm', keep: 0.5, layers: { input_ids: [0], vision_model: [1] } }
  const message = expect.stringMatching(/layers names the encoder "vision_model", .*; the model has input_ids$/)
  expect(() => transform(mail, ...transformsOf(plan, methods))).toThrow(
    expect.objectContaining({ code: 'TP_ENCODER', message }),
  )
  const known: Plan = { ...plan, layers: { input_ids: [0] } }
  expect(transform(mail, ...transformsOf(known, methods)).reports[0]).toMatchObject({ cuts: [{ layer: 0 }] })
})

test.each([
  [[], /this is not a plan/],
  [null, /this is not a plan/],
  [{ method: 'none' }, /format is missing; it must be 1/],
  [{ format: 2, method: 'none' }, /format is 2; it must be 1/],
  [{ format: 1 }, /method is missing/],
  [{ format: 1, method: 'none', keeps: 0.7 }, /a plan has no field keeps; it may have format, method, .*keep/],
  [{ format: 1, method: 'none', keep: '0.7' }, /keep is "0.7"; it must be a number or a list/],
  [{ format: 1, method: 'none', layers: 3 }, /layers is 3; it must be a list/],
  [{ format: 1, method: 'none', layers: { a: 3 } }, /layers is an object; it must be a list .* by encoder/],
  [{ format: 1, method: 'none', restore: 'some' }, /restore is "some"/],
  [{ format: 1, method: 'none', restore: null }, /restore is null/],
  [
    { format: 1, method: 'none', params: { queries: { a: 1 } } },
    /params is an object; it must be an object of numbers/,
  ],
  [{ format: 1, method: 'none', params: { queries: null } }, /params is an object/],
  [{ format: 1, method: 'none', params: [1] }, /params is a list of 1; it must be an object/],
  [{ format: 1, method: 'none', layers: [[1]] }, /layers is a list of 1; it must be a list of numbers/],
  [JSON.parse('{"format":1,"method":"none","__proto__":{}}'), /a plan has no field __proto__/],
  [{ format: 1, method: 'none', leaveOut: 3 }, /leaveOut is 3; it must be a list of numbers of layers, from 0/],
  [{ format: 1, method: 'none', quantize: true }, /quantize is true; it must be an object, the options of quantize/],
  [{ format: 1, method: 'none', encoder: 3 }, /encoder is 3; it must be the name of an encoder/],
  [{ format: 1, method: 'none', protect: [null] }, /protect is a list of 1; it must be "auto" or a list of positions/],
  [
    { format: 1, method: 'none', keep: JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) },
    /keep is a list of 1/,
  ],
])('refuses plan %#', (plan, message) => {
  expect(() => checkPlan(plan, 'plan.json')).toThrow(message)
  expect(() => checkPlan(plan, 'plan.json')).toThrow(expect.objectContaining({ code: 'TP_PLAN' }))
})

test('refuses an unknown method, and an option that it or quantize does not take', () => {
  const codeOf = (plan: Parameters<typeof fromPlan>[0]): string | undefined => {
    try {
      fromPlan(plan, methods)
    } catch (error) {
      return isTpError(error) ? error.code : String(error)
    }
    return undefined
  }
  expect(codeOf({ format: 1, method: 'tome' })).toBe('TP_PLAN')
  expect(codeOf({ format: 1, method: 'key-norm', params: { size: 3 } })).toBe('TP_OPTION')
  expect(codeOf(JSON.parse('{"format":1,"method":"none","quantize":{"bits":8}}'))).toBe('TP_OPTION')
})

test('distinguishes a plan with regimes from one without, and takes it unchanged', () => {
  const dense = { format: 1, method: 'none' }
  const plan = {
    format: 1,
    regimes: [{ upTo: 32, plan: dense }, { plan: { ...dense, method: 'key-norm', keep: 0.5 } }],
    figures: 1,
  }
  expect([hasRegimes(plan), hasRegimes(dense), hasRegimes(null)]).toEqual([true, false, false])
  expect(checkRegimes(plan, 'plan.json')).toEqual(plan)
})

const none = { format: 1, method: 'none' }
test.each([
  [{ format: 1, regimes: [] }, /not a plan with regimes/],
  [{ format: 2, regimes: [{ plan: none }] }, /not a plan with regimes/],
  [{ format: 1, regimes: [{ upTo: 8, plan: none }] }, /upTo of regime 0 is 8; the last one has no limit/],
  [
    { format: 1, regimes: [{ plan: none }, { plan: none }] },
    /upTo of regime 0 is undefined; it must be a whole number above 0/,
  ],
  [
    { format: 1, regimes: [{ upTo: 8, plan: none }, { upTo: 8, plan: none }, { plan: none }] },
    /upTo of regime 1 is 8; it must be a whole number above 8/,
  ],
  [{ format: 1, regimes: [{ plan: { format: 1 } }] }, /plan.json, regime 0.*method is missing/],
])('refuses regimes %j', (plan, message) => {
  expect(() => checkRegimes(plan, 'plan.json')).toThrow(message)
  expect(() => checkRegimes(plan, 'plan.json')).toThrow(expect.objectContaining({ code: 'TP_PLAN' }))
})
