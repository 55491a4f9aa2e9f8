import { readFileSync } from 'node:fs'
import { type Method, random, type Schedule, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { ats, clsAttention, receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model } from '@tp/onnx'
import { inTurn, seeded, thorough } from 'exported-encoders'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspect, type PruneOptions, prune, transform } from '../src/index.ts'
import { fixtures, openFixture } from './fixtures.ts'
import { difference, int64, open, rows } from './run.ts'

/** The token that ends a segment, where a model has no numbers of segments. */
const SEPARATOR = 3
/** An id that is not a separator, padding or class token. */
const WORDS = 5

/** A pair of texts: how many tokens each has, special ones included. */
interface Pair {
  readonly first: number
  readonly second: number
}

const models: readonly { readonly name: string; readonly model: Model; readonly doubled?: true }[] = [
  { name: 'mail, by separators', model: decodeModel(readFileSync(modelPath('mail'))) },
  { name: 'mail, by separators in pairs', model: decodeModel(readFileSync(modelPath('mail'))), doubled: true },
  ...['bert-cls-ortfused', 'electra-cls-eager-ts14', 'roberta-cls-sdpa-ts17'].flatMap((name) =>
    fixtures.filter((own) => own.name === name).map((own) => ({ name, model: openFixture(own) })),
  ),
]

const rules: readonly { readonly name: string; readonly method: Method; readonly amounts: Schedule }[] = [
  { name: 'a tenth', method: receivedAttention(), amounts: schedule(3, { layers: [0, 1], keep: 0.1 }) },
  { name: 'half, at random', method: random({ seed: 3 }), amounts: schedule(3, { layers: [0, 1], keep: 0.5 }) },
  { name: 'one token', method: clsAttention(), amounts: schedule(3, { layers: [1], tokens: 1 }) },
  { name: 'all but many removed', method: receivedAttention(), amounts: schedule(3, { layers: [0], remove: 30 }) },
  { name: 'a threshold', method: receivedAttention(), amounts: schedule(3, { layers: [0, 1], threshold: 0.9 }) },
  { name: 'mass', method: receivedAttention(), amounts: schedule(3, { layers: [0, 1], mass: 0.2 }) },
  { name: 'ATS', method: ats(), amounts: schedule(3, { layers: [0, 1], keep: 0.2 }) },
]

describe.each(models.map((own, row) => ({ ...own, row })))('$name', ({ model, row, doubled = false }) => {
  const own = inTurn(rules, row, 2)
  const feedsOf = (pairs: readonly Pair[], width?: number): NamedTensors => pairsFor(model, pairs, { doubled, width })

  test.each(own)('keeps every token of the segment, and prunes others: $name', async ({ method, amounts }) => {
    const pairs: Pair[] = [
      { first: 9, second: 3 },
      { first: 3, second: 14 },
      { first: 5, second: 5 },
    ]
    const pruned = pruneOrFail(model, { method, schedule: amounts, protectSegment: 0, ...ending(model), trace: true })
    const { run } = await open(pruned.model)
    const outputs = await run(feedsOf(pairs))
    const traced = Object.keys(outputs).filter((name) => name.endsWith('.indices'))
    expect(traced).toHaveLength(amounts.size)
    for (const name of traced) {
      const kept = keptBy(outputs, name)
      for (const [row, { first }] of pairs.entries()) {
        expect(kept[row]?.slice(0, first)).toEqual(Array.from({ length: first }, (_, i) => i))
      }
      expect(Math.min(...kept.map(({ length }, row) => length - sizeOf(pairs[row] as Pair)))).toBeLessThan(0)
    }
  })

  test('answers an example as it does alone, whatever it is batched and padded with', async () => {
    const pair = fc.record({ first: fc.integer({ min: 3, max: 9 }), second: fc.integer({ min: 2, max: 14 }) })
    const runs = await Promise.all(
      own.map(async ({ method, amounts }) => {
        const pruned = pruneOrFail(model, { method, schedule: amounts, protectSegment: 0, ...ending(model) })
        return (await open(pruned.model)).run
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(pair, { minLength: 2, maxLength: 4 }),
        fc.nat({ max: 5 }),
        fc.nat({ max: own.length - 1 }),
        async (pairs, padding, rule) => {
          const run = runs[rule] as (typeof runs)[number]
          const width = padding + Math.max(...pairs.map(sizeOf))
          const together = logitsOf(await run(feedsOf(pairs, width)))
          for (const [row, own] of pairs.entries()) {
            const [alone] = logitsOf(await run(feedsOf([own])))
            expect(difference(together[row] as number[], alone as number[])).toBeLessThan(1e-4)
          }
        },
      ),
      { numRuns: thorough(4, 12) },
    )
  })
})

test('a model with numbers of segments names their input, and refuses one that it does not have', () => {
  const own =
    fixtures.find(({ name }) => name === 'bert-cls-eager-ts11') ?? fixtures.find(({ name }) => /^bert-cls/.test(name))
  if (own === undefined) return expect(fixtures.some(({ name }) => name.startsWith('bert'))).toBe(false)
  const model = openFixture(own)
  expect(inspect(model)).toMatchObject({ segments: 'token_type_ids' })
  expect(() => transform(model, prune({ ...byHalf, protectSegment: 2 }))).toThrow(
    'there is no segment 2: token_type_ids numbers them',
  )
})

test('a model without them needs the separator, and says so', () => {
  const mail = decodeModel(readFileSync(modelPath('mail')))
  expect(() => transform(mail, prune({ ...byHalf, protectSegment: 0 }))).toThrow(
    'the model has no input that numbers the segments of a pair (token_type_ids), so name the token that ends a segment',
  )
  expect(() => transform(mail, prune({ ...byHalf, separator: 3 }))).toThrow('a separator is named, but no segment')
  const vit = decodeModel(readFileSync(modelPath('digits-vit')))
  expect(() => transform(vit, prune({ ...byHalf, protectSegment: 0, separator: 3 }))).toThrow(
    'so none can be protected',
  )
  expect(() => transform(mail, prune({ ...byHalf, protectSegment: -1 }))).toThrow(
    'must be the number of a segment, from 0',
  )
})

test('a second pruning protects the segment again', async () => {
  const mail = decodeModel(readFileSync(modelPath('mail')))
  const options = { method: receivedAttention(), protectSegment: 0, separator: SEPARATOR }
  const once = pruneOrFail(mail, { ...options, schedule: schedule(4, { layers: [0], keep: 0.6 }) })
  const twice = pruneOrFail(once.model, { ...options, schedule: schedule(4, { layers: [2], keep: 0.1 }), trace: true })
  const { run } = await open(twice.model)
  const pairs = [
    { first: 6, second: 8 },
    { first: 4, second: 12 },
  ]
  const kept = keptBy(await run(pairsFor(mail, pairs, {})), 'tp.trace.2.indices')
  expect(kept).toEqual(pairs.map(({ first }) => Array.from({ length: first }, (_, i) => i)))
})

const byHalf = { method: receivedAttention(), schedule: schedule(3, { keep: 0.5 }) } as const

function ending(model: Model): Pick<PruneOptions, 'separator'> {
  const found = inspect(model)
  return found.ok && found.segments === undefined ? { separator: SEPARATOR } : {}
}

function pruneOrFail(model: Model, options: PruneOptions) {
  const result = transform(model, prune(options))
  return result
}

function sizeOf({ first, second }: Pair): number {
  return first + second
}

/** Pairs as a model takes them: the first token is the class token, each text ends with a separator. */
function pairsFor(
  model: Model,
  pairs: readonly Pair[],
  {
    doubled = false,
    width = Math.max(...pairs.map(sizeOf)),
  }: { readonly doubled?: boolean; readonly width?: number | undefined },
): NamedTensors {
  const values = { ids: [] as number[], mask: [] as number[], segments: [] as number[] }
  for (const { first, second } of pairs) {
    const random = seeded(first * 31 + second)
    for (let i = 0; i < width; i++) {
      const ends = i === first - 1 || (doubled && i === first - 2) || i === first + second - 1
      const isReal = i < first + second
      values.ids.push(isReal ? (ends ? SEPARATOR : WORDS + (Math.floor(Math.abs(random()) * 1000) % 20)) : 0)
      values.mask.push(Number(isReal))
      values.segments.push(Number(isReal && i >= first))
    }
  }
  const dims = [pairs.length, width]
  const known: Readonly<Record<string, readonly number[]>> = {
    input_ids: values.ids,
    attention_mask: values.mask,
    token_type_ids: values.segments,
  }
  return Object.fromEntries(
    new Graph(model).inputs.map(({ name, type }) => {
      const own = known[name] as readonly number[]
      return [name, type === 'int32' ? { type, dims, data: Int32Array.from(own) } : int64(dims, own)]
    }),
  )
}

function logitsOf(outputs: NamedTensors): number[][] {
  return rows(outputs.logits as TensorLike)
}

/** Positions of the kept tokens of each example, ascending. */
function keptBy(outputs: NamedTensors, name: string): number[][] {
  const indices = outputs[name] as TensorLike
  const valid = outputs[name.replace('indices', 'valid')] as TensorLike
  const [, width = 0] = indices.dims
  return Array.from({ length: indices.dims[0] as number }, (_, row) =>
    Array.from({ length: width }, (_, slot) => row * width + slot)
      .filter((at) => Number(valid.data[at]) === 1)
      .map((at) => Number(indices.data[at]))
      .sort((a, b) => a - b),
  )
}
