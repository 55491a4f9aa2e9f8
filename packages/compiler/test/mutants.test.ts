import { isTpError, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { inTurn, mutant, mutationNames, thorough } from 'exported-encoders'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspect, isRefused, prune, Refused, transform } from '../src/index.ts'
import { fixture, fixtures, openFixture } from './fixtures.ts'
import { open } from './run.ts'

const each = thorough(1, 4)

describe('a broken file gives a result, a refusal or an error that says what is wrong, never another exception', () => {
  const sources = fixtures.slice(0, 5).map((fixture) => ({ name: fixture.name, model: openFixture(fixture) }))
  for (const [row, mutation] of mutationNames.entries()) {
    test(mutation, () => {
      for (const [at, { name, model }] of inTurn([...sources.entries()], row, 1)) {
        for (let i = 0; i < each; i++) expectNoCrash(mutant(model, mutation, at * 1000 + i), `${name}, ${i}`)
      }
    }, 30_000)
  }
})

/** Those that change what a graph is made of; the others mostly make files that are not models at all. */
const structural = [
  'a name is one of JavaScript',
  'a size is computed that grows without bound',
  'many ways lead to a value',
  'a chain is long',
  'an input is an earlier value',
  'an attribute is another',
  'a declared size is another',
  'an operator does nothing',
] as const

test('a file that onnxruntime loads also loads after pruning', async () => {
  const models = ['bert-cls-eager-ts11', 'timm-vit-avgpool-ts17'].map((name) => openFixture(fixture(name)))
  const property = fc.asyncProperty(
    fc.constantFrom(...models),
    fc.constantFrom(...structural),
    fc.nat(),
    async (source, mutation, seed) => {
      const bytes = mutant(source, mutation, seed)
      const pruned = pruneUnlessRefused(bytes)
      if (pruned === undefined || !(await loads(bytes))) return
      expect(await loads(pruned), `${mutation}, ${seed}`).toBe(true)
    },
  )
  await fc.assert(property, { numRuns: thorough(10, 60), interruptAfterTimeLimit: 2500 })
}, 30_000)

/** @throws an error without a code */
function pruneUnlessRefused(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const result = transform(
      decodeModel(bytes),
      prune({ method: receivedAttention(), schedule: schedule(3, { tokens: [5, 3] }) }),
    )
    return encodeModel(result.model)
  } catch (error) {
    if (isTpError(error)) return undefined
    throw error
  }
}

async function loads(bytes: Uint8Array): Promise<boolean> {
  try {
    await (await open(bytes)).dispose()
    return true
  } catch {
    return false
  }
}

function expectNoCrash(bytes: Uint8Array, what: string): void {
  let model: Model
  try {
    model = decodeModel(bytes)
  } catch (error) {
    expect(isTpError(error) && error.code, `${what}: ${(error as Error).stack}`).toMatch(
      /^TP_(NOT_ONNX|TRUNCATED|TOO_COMPLEX)$/,
    )
    return
  }
  for (const action of [
    () => {
      const found = inspect(model)
      if (!found.ok) throw new Refused(found.refusal.code, found.refusal.message)
    },
    () =>
      transform(model, prune({ method: receivedAttention(), schedule: schedule(3, { tokens: [5, 3] }), trace: true })),
    () => transform(model, prune({ method: receivedAttention(), schedule: schedule(3, { mass: 0.8 }) })),
  ]) {
    try {
      action()
    } catch (error) {
      if (isRefused(error)) {
        expect(error.refusal.message).toMatch(/^[^\n]{10,}$/)
        continue
      }
      // A layer that is found no longer is a layer that does not exist.
      expect(isTpError(error) && error.code, `${what}: ${(error as Error).stack}`).toBe('TP_SCHEDULE')
    }
  }
}
