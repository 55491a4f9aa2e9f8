import { readFileSync } from 'node:fs'
import { type Plan, transform, transformsOf } from '@tp/compiler'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { methods } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { openPlanned, readGuarding, readRunPlan } from './index.ts'

const dense = readFileSync(modelPath('mail'))
const load = (model: Uint8Array): Promise<Session> => nodeRuntime().load(model, { threads: 1 })
const none: Plan = { format: 1, method: 'received-attention' }
const hard: Plan = { ...none, keep: 0.2 }

/** Texts of so many tokens, different ones. */
function feeds(batch: number, tokens: number): NamedTensors {
  const ids = BigInt64Array.from({ length: batch * tokens }, (_, i) => BigInt(5 + ((i * 31) % 900)))
  const dims = [batch, tokens]
  return {
    input_ids: { type: 'int64', dims, data: ids },
    attention_mask: { type: 'int64', dims, data: ids.map(() => 1n) },
  }
}

async function answersOf(session: Session, batch: number, tokens: number): Promise<number[]> {
  const { logits } = await session.run(feeds(batch, tokens))
  return Array.from(logits?.data as Float32Array)
}

test('a tuned plan runs small batches by its first regime and large ones by its last', async () => {
  const plan = readRunPlan({ format: 1, regimes: [{ upTo: 32, plan: none }, { plan: hard }], figures: {} }, 'plan.json')
  await using both = await openPlanned(dense, plan, { methods, load })
  await using whole = await load(dense)
  await using pruned = await load(encodeModel(transform(decodeModel(dense), ...transformsOf(hard, methods)).model))
  expect(await answersOf(both, 2, 16)).toEqual(await answersOf(whole, 2, 16))
  expect(await answersOf(both, 2, 40)).toEqual(await answersOf(pruned, 2, 40))
  expect(await answersOf(pruned, 2, 40)).not.toEqual(await answersOf(whole, 2, 40))
})

test('answers of its last regime fall back as its cascade says, and are counted', async () => {
  const plan = { format: 1, regimes: [{ upTo: 32, plan: none }, { plan: hard }] }
  const cascade = { uncertainty: 'probability', threshold: 0, share: 1 }
  const fallbacks: number[] = []
  await using all = await openPlanned(dense, readRunPlan({ ...plan, cascade }, 'plan.json'), {
    methods,
    load,
    onRun: ({ dense: rows }) => fallbacks.push(rows.length),
  })
  await using whole = await load(dense)
  expect(await answersOf(all, 3, 40)).toEqual(await answersOf(whole, 3, 40))
  await answersOf(all, 2, 16)
  expect(fallbacks).toEqual([3])
})

test('a plan that cannot run is refused before anything is loaded', async () => {
  const refused = (plan: object, code: string): Promise<void> =>
    expect(
      openPlanned(dense, readRunPlan(plan, 'plan.json'), { methods, load: () => Promise.reject(new Error('loaded')) }),
    ).rejects.toMatchObject({ code })
  await refused({ format: 1, method: 'unheard-of', keep: 0.5 }, 'TP_PLAN')
  await refused({ format: 1, method: 'received-attention', keep: 0.5, layers: [99] }, 'TP_SCHEDULE')
  for (const cascade of [
    null,
    'yes',
    { uncertainty: 'probability', threshold: 7 },
    { uncertainty: 'margin', threshold: 0 },
  ])
    expect(() => readRunPlan({ format: 1, regimes: [{ plan: hard }], cascade }, 'plan.json')).toThrow(
      /its cascade is invalid/,
    )
})

test('a plan without a cascade guards nothing, and a guard nothing but its own models', () => {
  const files = { pruned: { path: 'p.onnx', hash: 'a'.repeat(64) }, dense: { path: 'd.onnx', hash: 'b'.repeat(64) } }
  const read = (content: object) => readGuarding(JSON.stringify(content), 'guard.json', files)
  const cascade = { uncertainty: 'probability', threshold: 0.25, share: 0.1 }
  expect(read({ format: 1, regimes: [{ plan: hard }], cascade })).toEqual({
    cascade: { uncertainty: 'probability', threshold: 0.25 },
  })
  expect(() => read({ format: 1, regimes: [{ plan: hard }] })).toThrow(/has no cascade/)
  expect(() => readGuarding('{', 'guard.json', files)).toThrow(/invalid JSON/)
})
