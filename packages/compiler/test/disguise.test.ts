import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { disguise } from './disguise.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, numbers, run } from './run.ts'

const names = [
  'bert-cls-eager-ts11',
  'bert-cls-sdpa-dynamo18',
  'distilbert-cls-eager-ts14',
  'bert-qa-sdpa-ts17',
  'timm-vit-avgpool-ts17',
]

/** Names that a size may have in a file, and that the compiler might use itself. */
const sizeNames: readonly (readonly [string, string])[] = [
  ['B', 'N'],
  ['N', 'B'],
  ['T', 'T0'],
  ['T0', 'T'],
  ['T1', 'S'],
  ['S', 'T2'],
  ['H', 'D'],
  ['kept1', 'Dh'],
  ['batch size', '2 n'],
]

const pairsEach = 1

describe('neither names nor the order of nodes matter', () => {
  for (const [at, name] of names.entries()) {
    const model = openFixture(fixture(name))
    const [set] = dataSets(fixture(name))
    const inputs = set?.inputs as NamedTensors
    const free = [...new Set(sizesOf(model))]
    for (let i = 0; i < pairsEach; i++) {
      const seed = (at * pairsEach + i) % sizeNames.length
      const [first, second] = sizeNames[seed] as readonly [string, string]
      test(`${name} with sizes ${first} and ${second}`, async () => {
        const expected = await run(pruned(model), inputs)
        const hidden = disguise(model, seed + 1, { [free[0] ?? '']: first, [free[1] ?? '']: second })
        const renamed = Object.fromEntries(Object.entries(inputs).map(([input, x]) => [hidden.nameOf(input), x]))
        const results = await run(pruned(hidden.model), renamed)
        for (const [output, tensor] of Object.entries(results)) {
          const original = hidden.oldNameOf(output)
          expect(tensor.dims).toEqual(expected[original]?.dims)
          expect(difference(numbers(tensor), numbers(expected[original]))).toBeLessThan(1e-5)
        }
        expect(Object.keys(results).length).toBe(Object.keys(expected).length)
      })
    }
  }
})

function pruned(model: Model): Model {
  const result = transform(
    model,
    prune({ method: receivedAttention(), schedule: schedule(3, { tokens: [7, 5] }), trace: true }),
  )
  return result.model
}

function sizesOf(model: Model): string[] {
  return (model.proto.graph?.input ?? []).flatMap(({ type }) =>
    type?.value.case === 'tensorType'
      ? (type.value.value.shape?.dim ?? []).flatMap(({ value }) => (value.case === 'dimParam' ? [value.value] : []))
      : [],
  )
}
