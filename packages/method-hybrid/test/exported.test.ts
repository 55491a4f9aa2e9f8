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

/** A test of an exported encoder. */
function testOf(name: string, what: string, check: (folder: string) => Promise<void>, tags: string[] = []): void {
  test(`${name}: ${what}`, { tags }, () => check(fixtureFolder(name)))
}

const everyMethod: readonly Method[] = [
  // One that looks for silence refuses texts and images.
  ...methods.map(({ create }) => create()).filter(({ unscheduled }) => !unscheduled),
  withMerge(receivedAttention()),
  withFuse(receivedAttention()),
]
/** In the ordinary run each column of this large product has one case; all are in the exhaustive one. */
const oneOf = (rows: number, row: number, i: number): string[] => ((row + i) % rows === 0 ? [] : ['exhaustive'])
const byClassToken = ['evit', 'ppt', 'diffrate', 'tps', 'evo-vit']

describe('keeping all tokens gives the dense outputs', () => {
  const names = ['timm-vit-avgpool-ts17', 'vit-cls-sdpa-ts17', 'bert-cls-eager-ts11', 'bert-meanpool-ts14']
  for (const [row, name] of names.entries()) {
    for (const [i, method] of everyMethod.entries()) {
      const check = async (folder: string): Promise<void> => {
        const model = openFixture(folder)
        const inputs = inputsOf(folder)
        const everything = schedule(3, { layers: [0, 1, 2], tokens: 9999 })
        const options = { method, schedule: everything, deadTokens: false }
        const kept = await runModel(pruned(model, { ...options, ...withClass(name, method) }), inputs)
        for (const [output, expected] of Object.entries(await runModel(model, inputs))) {
          expect(difference(numbers(kept[output]), numbers(expected)), output).toBeLessThan(1e-5)
        }
      }
      testOf(name, method.name, check, oneOf(names.length, row, i))
    }
  }
})

/** Where the head reads no class token, methods that need one need an option. */
function withClass(name: string, method: Method): { protect?: readonly number[] } {
  return /pool/.test(name) && byClassToken.includes(method.name) ? { protect: [0] } : {}
}

describe('merging equal tokens changes nothing', () => {
  const pairs = [5, 5, 9, 9, 13, 13, 7, 7, 7, 7]
  for (const name of ['bert-meanpool-ts14', 'xlm-roberta-meanpool-ts14', 'bert-cls-eager-ts11']) {
    for (const method of [tome(), aTome(), withMerge(tome())]) {
      testOf(name, method.name, async (folder) => {
        const model = openFixture(folder)
        forgetPositions(model)
        const ids = [2, ...pairs, 0, 0, 0]
        const inputs = textInputs(model, [ids])
        const options = { method, protect: [0], restore: 'none' } as const
        const merged = pruned(model, { ...options, schedule: schedule(3, { layers: [0, 1], remove: [3, 2] }) })
        const [[output, dense]] = Object.entries(await runModel(model, inputs)) as [[string, TensorLike]]
        expect(difference(numbers((await runModel(merged, inputs))[output]), numbers(dense))).toBeLessThan(1e-5)
      })
    }
  }
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
  const plans: readonly (readonly [string, Schedule, readonly Method[]])[] = [
    ['keep', schedule(3, { layers: [0, 1], keep: 0.7 }), everyMethod],
    [
      'threshold',
      schedule(3, { layers: [0, 2], threshold: 0.15 }),
      [tome(), tofu(), withMerge(receivedAttention()), withFuse(receivedAttention())],
    ],
  ]
  for (const [row, name] of ['bert-cls-eager-ts11', 'bert-meanpool-ts14'].entries()) {
    for (const [rule, plan, list] of plans) {
      for (const [i, method] of list.entries()) {
        const check = async (folder: string): Promise<void> => {
          const model = openFixture(folder)
          const small = pruned(model, { method, schedule: plan, restore: 'none', ...withClass(name, method) })
          const padded = (width: number): number[][] =>
            texts.map((ids) => [...ids, ...new Array(width - ids.length).fill(0)])
          await using session = await openModel(small)
          const [together] = Object.values(await session.run(textInputs(small, padded(13)))) as [TensorLike]
          const width = numbers(together).length / texts.length
          for (const [row, ids] of texts.entries()) {
            const [alone] = Object.values(await session.run(textInputs(small, [ids]))) as [TensorLike]
            const seen = numbers(together).slice(row * width, (row + 1) * width)
            expect(difference(seen, numbers(alone)), `text ${row}`).toBeLessThan(1e-4)
          }
        }
        testOf(name, `${method.name} by ${rule}`, check, oneOf(2, row, i))
      }
    }
  }
})

describe('restored tokens', () => {
  testOf('bert-tok-eager-ts14', 'fusing in the last layer changes neither kept nor pruned tokens', async (folder) => {
    const model = openFixture(folder)
    const inputs = inputsOf(folder)
    const options = { schedule: schedule(3, { layers: [2], keep: 0.5 }), protect: [0] }
    const [expected] = Object.values(await runModel(pruned(model, { ...options, method: clsAttention() }), inputs)) as [
      TensorLike,
    ]
    const [seen] = Object.values(await runModel(pruned(model, { ...options, method: evit() }), inputs)) as [TensorLike]
    expect(difference(numbers(seen), numbers(expected))).toBeLessThan(1e-5)
  })
})
