import { evaluate, none, type Schedule, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, Graph, lift, type Model } from '@tp/onnx'
import { thorough } from 'exported-encoders'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PruneOptions, prune, transform } from '../src/index.ts'
import { encoder, inputsOf, type TestEncoderOptions } from './encoders.ts'
import { difference, numbers, run } from './run.ts'

const anyEncoder = fc
  .record({
    layerCount: fc.integer({ min: 2, max: 3 }),
    heads: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 4, max: 6 }),
    norm: fc.constantFrom('pre', 'post'),
    mask: fc.constantFrom('none', 'added', 'added whole', 'chosen', 'single axis'),
    pooling: fc.constantFrom('cls', 'two places', 'mean', 'masked mean', 'max', 'none'),
    fixed: fc.boolean(),
    batch: fc.integer({ min: 1, max: 4 }),
    tokens: fc.integer({ min: 3, max: 9 }),
    opset: fc.constantFrom(11, 13, 14, 17, 18, 20),
    flatHead: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1000 }),
  })
  .map(({ fixed, batch, tokens, ...rest }): Case => {
    const options: TestEncoderOptions = { ...rest, ...(fixed && { sizes: [batch, tokens] as const }) }
    return { options, batch, tokens }
  })

interface Case {
  readonly options: TestEncoderOptions
  readonly batch: number
  readonly tokens: number
}

const anySchedule = (layerCount: number): fc.Arbitrary<Schedule> =>
  fc.oneof(
    fc.double({ min: 0.2, max: 0.9, noNaN: true }).map((keep) => schedule(layerCount, { keep })),
    fc.integer({ min: 1, max: 6 }).map((tokens) => schedule(layerCount, { tokens, layers: [0, layerCount - 1] })),
    fc.double({ min: 0.3, max: 0.95, noNaN: true }).map((mass) => schedule(layerCount, { mass, layers: [0, 1] })),
    fc.double({ min: 0.05, max: 0.3, noNaN: true }).map((threshold) => schedule(layerCount, { threshold })),
  )

const runs = { numRuns: thorough(6, 40), seed: 20261125 }

function pruned(bytes: Uint8Array, how: PruneOptions): Model {
  const result = transform(decodeModel(bytes), prune(how))
  return result.model
}

describe('random encoders', () => {
  test('random encoders do not change by keeping everything and removing dead tokens', async () => {
    await fc.assert(
      fc.asyncProperty(anyEncoder, async (example) => {
        const { options, batch, tokens } = example
        const bytes = encoder(options)
        const inputs = inputsOf(options, batch, tokens, options.seed)
        const dense = await run(bytes, inputs)
        const layers = Array.from({ length: options.layerCount }, (_, i) => i)
        const everything = {
          method: receivedAttention(),
          schedule: schedule(options.layerCount, { layers, tokens: 9999 }),
        }
        for (const how of [
          { method: none(), schedule: new Map() },
          everything,
          { ...everything, deadTokens: false, trace: true },
        ]) {
          const model = pruned(bytes, how)
          const { logits } = await run(model, inputs)
          expect(logits?.dims).toEqual(dense.logits?.dims)
          expect(difference(numbers(logits), numbers(dense.logits))).toBeLessThan(1e-5)
        }
      }),
      runs,
    )
  }, 240_000)

  test('load with pruned graphs, keep the shapes of their outputs, and agree with the interpreter', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEncoder.chain((example) =>
          fc.tuple(fc.constant(example), anySchedule(example.options.layerCount), fc.boolean()),
        ),
        async ([example, amounts, trace]) => {
          const { options, batch, tokens } = example
          const model = pruned(encoder(options), { method: receivedAttention(), schedule: amounts, trace })
          const inputs = inputsOf(options, batch, tokens, options.seed)
          const results = await run(model, inputs)
          expect(results.logits?.dims).toEqual(options.pooling === 'none' ? [batch, tokens, 3] : [batch, 3])
          const lifted = lift(new Graph(model))
          const outputs = Object.fromEntries(Object.keys(results).map((name) => [name, lifted.tensor(name)]))
          const computed = evaluate(outputs, inputs)
          for (const name of Object.keys(results)) {
            expect(computed[name]?.dims, name).toEqual(results[name]?.dims)
            expect(difference(numbers(computed[name]), numbers(results[name])), name).toBeLessThan(1e-4)
          }
        },
      ),
      runs,
    )
  }, 240_000)
})
