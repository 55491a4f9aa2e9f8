import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import type { Parts } from './judge.ts'
import { splitOf } from './split.ts'

function inputsOf(targets: readonly number[]): ModelInputs {
  const feeds = async (rows: readonly number[]) => ({
    rows: { type: 'int32' as const, dims: [rows.length], data: Int32Array.from(rows) },
  })
  return { source: 'examples', targets, lengths: undefined, preparationMs: undefined, notes: [], feeds }
}

/** So many examples of ten classes, which alternate as in folders. */
const alternating = (count: number): ModelInputs => inputsOf(Array.from({ length: count }, (_, i) => i % 10))

async function rowsOf(inputs: ModelInputs | undefined): Promise<number[]> {
  if (inputs === undefined) return []
  const { rows } = await inputs.feeds([...inputs.targets.keys()])
  return Array.from((rows?.data ?? []) as Int32Array)
}

const partsOf = ({ look, rest, confirm }: Parts): Promise<number[][]> => Promise.all([look, rest, confirm].map(rowsOf))

const counts = (targets: readonly number[] = []): number[] =>
  [...new Set(targets)].sort((a, b) => a - b).map((target) => targets.filter((other) => other === target).length)

test('lets all examples choose where they are few', async () => {
  const [look = [], rest = [], confirm] = await partsOf(splitOf(alternating(200)))
  expect(confirm).toEqual([])
  expect([...look, ...rest].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect(look.length).toBeGreaterThanOrEqual(64)
})

test('keeps a third of many examples to confirm, and puts none into two parts', async () => {
  const split = splitOf(alternating(900))
  const parts = await partsOf(split)
  expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 900 }, (_, i) => i))
  expect(split.confirm?.targets).toHaveLength(300)
  expect(counts(split.confirm?.targets)).toEqual(Array(10).fill(30))
})

test('gives each part every class in proportion if classes are sorted, and if parts are limited', () => {
  const sorted = inputsOf(Array.from({ length: 9000 }, (_, i) => Math.floor(i / 2250)))
  const { look, rest, confirm } = splitOf(sorted, { most: 400 })
  expect(look.targets.length + (rest?.targets.length ?? 0)).toBe(400)
  expect(counts([...look.targets, ...(rest?.targets ?? [])])).toEqual(Array(4).fill(100))
  expect(counts(confirm?.targets)).toEqual(Array(4).fill(150))
})

test('keeps two fifths for a confident bound, as many as it takes', () => {
  const { look, rest, confirm } = splitOf(alternating(500), { verify: 100 })
  expect(confirm?.targets).toHaveLength(200)
  expect(look.targets.length + (rest?.targets.length ?? 0)).toBe(300)
})

test('keeps a third of very many examples to learn from, if something learns', async () => {
  const split = splitOf(alternating(1200), { learn: 300 })
  const learned = await rowsOf(split.learn)
  expect(learned).toHaveLength(300)
  const others = (await partsOf(split)).flat()
  expect(others).toHaveLength(800)
  expect(others.filter((row) => learned.includes(row))).toEqual([])
  expect(splitOf(alternating(800), { learn: 300 }).learn).toBeUndefined()
})

test('compares changed models by a few candidates of many queries, where these have many', async () => {
  const inputs = inputsOf(Array(60 * 50).fill(0))
  const ranking = { queries: inputs.targets.map((_, row) => Math.floor(row / 50)) }
  const { look, rest, compared } = splitOf({ ...inputs, ranking })
  const queries = new Set(look.ranking?.queries).size
  expect([queries >= 13, queries <= 26]).toEqual([true, true])
  expect(look.targets).toHaveLength(50 * queries)
  expect(new Set(compared?.ranking?.queries).size).toBe(24)
  expect(compared?.targets).toHaveLength(8 * 24)
  expect(look.targets.length + (rest?.targets.length ?? 0)).toBe(3000)
  const hurried = splitOf({ ...inputs, ranking }, { most: 2500 })
  expect(hurried.look.targets.length + (hurried.rest?.targets.length ?? 0)).toBe(2500)
  const few = splitOf({ ...inputs, ranking: { queries: inputs.targets.map((_, row) => Math.floor(row / 5)) } })
  expect(few.compared?.targets).toHaveLength(5 * 24)
})

test('refuses too few examples', () => {
  expect(() => splitOf(inputsOf(Array(59).fill(0)))).toThrow('59 examples are too few')
})

test('learns from a third of few queries with many candidates, and confirms by none of them', () => {
  const inputs = inputsOf(Array(90 * 20).fill(0))
  const ranking = { queries: inputs.targets.map((_, row) => Math.floor(row / 20)) }
  const { look, rest, confirm, learn } = splitOf({ ...inputs, ranking }, { learn: 400 })
  expect(confirm).toBeUndefined()
  // As many queries as have so many candidates.
  expect(learn?.targets).toHaveLength(400)
  expect(look.targets.length + (rest?.targets.length ?? 0)).toBe(60 * 20)
  const learned = new Set(learn?.ranking?.queries)
  const choosing = [...(look.ranking?.queries ?? []), ...(rest?.ranking?.queries ?? [])]
  expect(choosing.filter((query) => learned.has(query))).toEqual([])
  const few = { queries: inputs.targets.map((_, row) => Math.floor(row / 40)) }
  expect(splitOf({ ...inputs, ranking: few }, { learn: 400 }).learn).toBeUndefined()
})

test('takes fewer texts than classes to learn from and to confirm where vectors are compared', () => {
  const inputs = { ...alternating(480), vectors: Array.from({ length: 480 }, () => Float64Array.of(1)) }
  const { learn, confirm } = splitOf(inputs, { learn: 300 })
  expect([learn?.targets.length, confirm?.targets.length]).toEqual([160, 160])
})

test('learns from the texts of pairs that choose, and confirms by others', () => {
  const [count, vectors] = [500, Array.from({ length: 1000 }, () => Float64Array.of(1))]
  const of = Array.from({ length: 1000 }, (_, row) => row % count)
  const inputs = { ...inputsOf(Array(1000).fill(-1)), vectors, pairs: { of, scores: of } }
  const { look, rest, confirm, learn } = splitOf(inputs, { learn: 300 })
  const pairsOf = (part: ModelInputs | undefined): Set<number> => new Set(part?.pairs?.of)
  const choosing = new Set([...pairsOf(look), ...pairsOf(rest)])
  // Both texts of each.
  expect([choosing.size, (look.targets.length + (rest?.targets.length ?? 0)) / 2]).toEqual([334, 334])
  expect([pairsOf(confirm).size, confirm?.targets.length]).toEqual([166, 332])
  expect([...pairsOf(confirm)].filter((pair) => choosing.has(pair))).toEqual([])
  expect([pairsOf(learn).size, learn?.targets.length]).toEqual([150, 300])
  expect([...pairsOf(learn)].filter((pair) => !choosing.has(pair))).toEqual([])
})
