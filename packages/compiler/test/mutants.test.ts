import { isTpError, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { mutant, mutationNames } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune } from '../src/index.ts'
import { fixtures, openFixture } from './fixtures.ts'

/** Of many more, with the whole of the road to a runtime, `pnpm --filter benchmark fuzz` makes sure. */
const each = 2

describe('a broken file gives a result, a refusal or an error that says what is wrong, never another exception', () => {
  const sources = fixtures.slice(0, 5).map((fixture) => ({ name: fixture.name, model: openFixture(fixture) }))
  for (const mutation of mutationNames) {
    test(mutation, () => {
      for (const [at, { name, model }] of sources.entries()) {
        for (let i = 0; i < each; i++) expectNoCrash(mutant(model, mutation, at * 1000 + i), `${name}, ${i}`)
      }
    }, 30_000)
  }
})

function expectNoCrash(bytes: Uint8Array, what: string): void {
  let model: Model
  try {
    model = decodeModel(bytes)
  } catch (error) {
    expect(isTpError(error) && error.code, `${what}: ${(error as Error).stack}`).toMatch(/^TP_(NOT_ONNX|TRUNCATED)$/)
    return
  }
  for (const action of [
    () => inspect(model),
    () => prune(model, { method: receivedAttention(), schedule: schedule(3, { tokens: [5, 3] }), trace: true }),
    () => prune(model, { method: receivedAttention(), schedule: schedule(3, { mass: 0.8 }) }),
  ]) {
    try {
      const result = action()
      if (!result.ok) expect(result.refusal.message).toMatch(/^[^\n]{10,}$/)
    } catch (error) {
      // A block that is found no longer is a layer that does not exist.
      expect(isTpError(error) && error.code, `${what}: ${(error as Error).stack}`).toBe('TP_SCHEDULE')
    }
  }
}
