import { type Method, type Schedule, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import type { Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { aTome, evit, methods, tofu, tome, withFuse, withMerge } from '../src/index.ts'
import {
  difference,
  fixtureFolder,
  inputsOf,
  int64,
  numbers,
  openFixture,
  openModel,
  pruned,
  runModel,
} from './exported.ts'

const everyMethod: readonly Method[] = [
  // One that looks for silence refuses texts and images.
  ...methods.map(({ create }) => create()).filter(({ unscheduled }) => !unscheduled),
  withMerge(receivedAttention()),
  withFuse(receivedAttention()),
]
/** Each method on one of the encoders, in turn. */
const inTurn = (names: readonly string[], some: readonly Method[]): [string, string, Method][] =>
  some.map((method, i) => [names[i % names.length] as string, method.name, method])
const byClassToken = ['evit', 'ppt', 'diffrate', 'tps', 'evo-vit']

describe('keeping all tokens gives the dense outputs', () => {
  const names = ['timm-vit-avgpool-ts17', 'vit-cls-sdpa-ts17', 'bert-cls-eager-ts11', 'bert-meanpool-ts14']
  test.each(inTurn(names, everyMethod))('%s: %s', async (name, _, method) => {
    const folder = fixtureFolder(name)
    const [model, inputs] = [openFixture(folder), inputsOf(folder)]
    const everything = schedule(3, { layers: [0, 1, 2], tokens: 9999 })
    const options = { method, schedule: everything, deadTokens: false, ...withClass(name, method) }
    const kept = await runModel(pruned(model, options), inputs)
    for (const [output, expected] of Object.entries(await runModel(model, inputs))) {
      expect(difference(numbers(kept[output]), numbers(expected)), output).toBeLessThan(1e-5)
    }
  })
})

/** Where the head reads no class token, methods that need one need an option. */
function withClass(name: string, method: Method): { protect?: readonly number[] } {
  return /pool/.test(name) && byClassToken.includes(method.name) ? { protect: [0] } : {}
}

describe('merging equal tokens changes nothing', () => {
  const names = ['bert-meanpool-ts14', 'xlm-roberta-meanpool-ts14', 'bert-cls-eager-ts11']
  test.each(inTurn(names, [tome(), aTome(), withMerge(tome())]))('%s: %s', async (name, _, method) => {
    const model = openFixture(fixtureFolder(name))
    forgetPositions(model)
    const inputs = textInputs(model, [[2, 5, 5, 9, 9, 13, 13, 7, 7, 7, 7, 0, 0, 0]])
    const amounts = schedule(3, { layers: [0, 1], remove: [3, 2] })
    const merged = pruned(model, { method, protect: [0], restore: 'none', schedule: amounts })
    const [[output, dense]] = Object.entries(await runModel(model, inputs)) as [[string, TensorLike]]
    expect(difference(numbers((await runModel(merged, inputs))[output]), numbers(dense))).toBeLessThan(1e-5)
  })
})

/** Makes equal tokens equal wherever they stand. */
function forgetPositions(model: Model): void {
  const tables = model.proto.graph?.initializer.filter(({ name }) => name.includes('position_embeddings')) ?? []
  expect(tables).toHaveLength(1)
  for (const table of tables) table.rawData = new Uint8Array(table.rawData?.length ?? 0)
}

function textInputs(model: Model, rows: readonly (readonly number[])[]): NamedTensors {
  const dims = [rows.length, rows[0]?.length ?? 0]
  const ids = rows.flat()
  const known: Record<string, TensorLike> = {
    input_ids: int64(dims, ids),
    attention_mask: int64(
      dims,
      ids.map((id) => (id === 0 ? 0 : 1)),
    ),
    token_type_ids: int64(
      dims,
      ids.map(() => 0),
    ),
  }
  const names = model.proto.graph?.input.map(({ name }) => name) ?? []
  return Object.fromEntries(names.map((name) => [name, known[name] as TensorLike]))
}

describe('the batch and the padding of a row change nothing', () => {
  const texts = [
    [2, 9, 4, 17, 5, 8, 3],
    [2, 6, 6, 11, 3],
    [2, 19, 14, 7, 12, 4, 10, 15, 5, 21, 3],
    [2, 3],
  ]
  const check = async (name: string, method: Method, plan: Schedule): Promise<void> => {
    const small = pruned(openFixture(fixtureFolder(name)), {
      ...{ method, schedule: plan, restore: 'none', ...withClass(name, method) },
    })
    const padded = texts.map((ids) => [...ids, ...new Array(13 - ids.length).fill(0)])
    await using session = await openModel(small)
    const [together] = Object.values(await session.run(textInputs(small, padded))) as [TensorLike]
    const width = numbers(together).length / texts.length
    for (const [row, ids] of texts.entries()) {
      const [alone] = Object.values(await session.run(textInputs(small, [ids]))) as [TensorLike]
      const seen = numbers(together).slice(row * width, (row + 1) * width)
      expect(difference(seen, numbers(alone)), `text ${row}`).toBeLessThan(1e-4)
    }
  }
  const names = ['bert-cls-eager-ts11', 'bert-meanpool-ts14']
  test.each(inTurn(names, everyMethod))('%s: %s by keep', (name, _, method) =>
    check(name, method, schedule(3, { layers: [0, 1], keep: 0.7 })),
  )
  const byThreshold = [tome(), tofu(), withMerge(receivedAttention()), withFuse(receivedAttention())]
  test.each(inTurn(names, byThreshold))('%s: %s by threshold', (name, _, method) =>
    check(name, method, schedule(3, { layers: [0, 2], threshold: 0.15 })),
  )
})

test('fusing in the last layer changes neither kept nor pruned tokens', async () => {
  const folder = fixtureFolder('bert-tok-eager-ts14')
  const options = { schedule: schedule(3, { layers: [2], keep: 0.5 }), protect: [0] }
  const [dropped, fused] = await Promise.all(
    [clsAttention(), evit()].map(async (method) => {
      const outputs = await runModel(pruned(openFixture(folder), { ...options, method }), inputsOf(folder))
      return numbers(Object.values(outputs)[0])
    }),
  )
  expect(difference(fused as number[], dropped as number[])).toBeLessThan(1e-5)
})
