import { readFileSync } from 'node:fs'
import { inspect, type Plan, transform, transformsOf } from '@tp/compiler'
import { baselines, TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { methods as attention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterEach, expect, test, vi } from 'vitest'
import { pruneSafely, type SafelyPruned } from '../index.ts'

const model = decodeModel(readFileSync(modelPath('mail')))
const inspection = inspect(model)
if (!inspection.ok) throw new Error(inspection.refusal.message)
const methods = [...baselines, ...attention]

afterEach(() => {
  vi.restoreAllMocks()
})

interface Made {
  readonly model: Model
  readonly method: string
}

const made = (plan: Plan): Made => ({
  model: transform(model, ...transformsOf(plan, methods)).model,
  method: plan.method,
})

/** Sessions that take some milliseconds, the dense one 4, of a clock that nothing else moves. */
async function safely(
  ms: Readonly<Record<string, number>>,
  prune = made,
  unloadable: readonly string[] = [],
): Promise<SafelyPruned<Made>> {
  const names = new Map<Model, string>()
  let now = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  return await pruneSafely(model, {
    encoders: [inspection as typeof inspection & { readonly ok: true }],
    prune(plan) {
      const one = prune(plan)
      names.set(one.model, plan.method)
      return one
    },
    async load(own) {
      if (unloadable.includes(names.get(own) ?? '')) throw new TpError('TP_MODEL_LOAD', 'test', 'no such kernel')
      const time = ms[names.get(own) ?? ''] ?? 4
      const session = await nodeRuntime().load(readFileSync(modelPath('mail')), { threads: 1 })
      const run: Session['run'] = async () => {
        now += time
        return {}
      }
      return Object.create(session, { run: { value: run } })
    },
    timingMs: 200,
  })
}

test('takes what was measured to be safe for the head where it is faster', async () => {
  const { made, why, speed, tokens } = await safely({ 'value-aware': 2 })
  expect(made.method).toBe('value-aware')
  expect(why).toMatchObject({ method: 'value-aware', keep: 0.8, losses: [{ on: 'mails' }, {}, {}] })
  expect(speed.value).toBeGreaterThan(1.5)
  expect(tokens).toBe(128)
})

test('does only what is exact where that is faster', async () => {
  const { made, why } = await safely({ none: 2, 'value-aware': 4 })
  expect(made.method).toBe('none')
  expect(why).toMatchObject({ slower: { method: 'value-aware' } })
})

test('does only what is exact where the method does not suit the model, and passes other errors on', async () => {
  const failing = (error: Error) => (plan: Plan) => {
    if (plan.method === 'none') return made(plan)
    throw error
  }
  const { made: exact, why } = await safely({}, failing(new TpError('TP_METHOD', 'test', 'no scores')))
  expect(exact.method).toBe('none')
  expect(why).toMatchObject({ refused: { method: 'value-aware' }, message: expect.stringContaining('no scores') })
  await expect(safely({}, failing(new Error('a bug')))).rejects.toThrow('a bug')
})

test('does only what is exact where the runtime does not load what the method makes', async () => {
  const { made: exact, why } = await safely({}, made, ['value-aware'])
  expect(exact.method).toBe('none')
  expect(why).toMatchObject({ refused: { method: 'value-aware' }, message: expect.stringContaining('no such kernel') })
  await expect(safely({}, made, ['value-aware', 'none'])).rejects.toThrow('no such kernel')
})
