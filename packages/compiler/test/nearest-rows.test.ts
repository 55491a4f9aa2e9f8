import { equal, input, type Method, neg, or, type Schedule, schedule, sum, type Tensor, where } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { chooseEncoders, findEncoders } from '../src/analyze/find-encoders.ts'
import { gridOf } from '../src/analyze/grid.ts'
import { inspect, type PruneOptions } from '../src/index.ts'
import { openModel } from '../src/normalize/open.ts'
import { inputsOf, statesOf, type TestEncoderOptions } from './encoders.ts'
import { dataSets, fixtures, inspectFixture, openFixture } from './fixtures.ts'
import { pruned } from './pruned.ts'
import { difference, float32, numbers, rows, run } from './run.ts'

const plain: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'pre', mask: 'added', pooling: 'none', opset: 17, seed: 3 },
}

/** Tokens in, states out. */
function embedder(options: TestEncoderOptions): Model {
  const { logits } = statesOf({ ...options, head: (x) => x })
  return decodeModel(emitModel({ states: logits }, { opset: 17 }))
}

/** Where tokens are. */
interface Neighborhood {
  /** Positions that are not neighbors of others. */
  readonly apart: readonly number[]
  /** Patches in a row of the grid; absent: tokens are in one line. */
  readonly width?: number | undefined
}

function neighborhoodIn(model: Model): Neighborhood {
  const opened = openModel(model)
  const { program } = opened
  const [{ apart, layers }] = chooseEncoders(findEncoders(opened.program), undefined)
  const grid = gridOf(program, layers[0]?.input as string, apart.length)
  const width = grid && (program.tensor(grid.value).dims[grid.axis] as number)
  return { apart, width }
}

/** Of one example: for each token the slot of the nearest kept one, the earlier of two; one that is apart serves only where it is alone. */
function nearestSlots(
  count: number,
  kept: readonly { slot: number; token: number }[],
  { apart, width }: Neighborhood,
): number[] {
  const free = kept.filter(({ token }) => !apart.includes(token))
  const distance = (a: number, b: number): number => {
    if (width === undefined) return Math.abs(a - b)
    const [i, j] = [a - apart.length, b - apart.length]
    return (Math.floor(i / width) - Math.floor(j / width)) ** 2 + ((i % width) - (j % width)) ** 2
  }
  return Array.from({ length: count }, (_, token) => {
    const own = kept.find((other) => other.token === token)
    if (own !== undefined) return own.slot
    const candidates = free.length > 0 ? free : kept
    return candidates.reduce((best, other) =>
      distance(other.token, token) < distance(best.token, token) ? other : best,
    ).slot
  })
}

/** Real tokens of an output [b,n,D] have the rows of the compact one [b,k,D] that are nearest in position. */
async function expectNearest(
  model: Model,
  output: string,
  inputs: Parameters<typeof run>[1],
  options: PruneOptions & { readonly schedule: Schedule },
  where: Neighborhood,
): Promise<void> {
  const last = Math.max(...options.schedule.keys())
  const full = await run(pruned(model, options), inputs)
  const compact = await run(pruned(model, { ...options, restore: 'none', trace: true }), inputs)
  const [, count = 0, width = 0] = full[output]?.dims ?? []
  const indices = rows(compact[`tp.trace.${last}.indices`])
  const valid = rows(compact[`tp.trace.${last}.valid`])
  const attended = inputs.attention_mask && rows(inputs.attention_mask)
  const row = (list: number[] | undefined, i: number): number[] => (list ?? []).slice(i * width, (i + 1) * width)
  const [whole, small] = [rows(full[output]), rows(compact[output])]
  for (const [example, tokens] of indices.entries()) {
    const kept = tokens.flatMap((token, slot) => (valid[example]?.[slot] === 1 ? [{ slot, token }] : []))
    for (const [token, slot] of nearestSlots(
      count,
      kept.sort((a, b) => a.token - b.token),
      where,
    ).entries()) {
      if (attended?.[example]?.[token] === 0) continue
      expect(difference(row(whole[example], token), row(small[example], slot)), `token ${token}`).toBeLessThan(1e-5)
    }
  }
}

/** Kept tokens in the reverse order. */
const reversed: Method = {
  name: 'reversed',
  family: 'baseline',
  reduce: (site) => ({ keep: site.budget?.select(site.received) ?? site.attended, order: neg(site.index) }),
}

const schedules: readonly (readonly [string, PruneOptions['method'], Schedule])[] = [
  ['by a ratio', receivedAttention(), schedule(3, { layers: [0, 1], keep: 0.6 })],
  ['in another order', reversed, schedule(3, { layers: [0, 1], keep: 0.6 })],
  ['by a share that differs by example', receivedAttention(), schedule(3, { layers: [0, 2], mass: 0.6 })],
]

describe('a pruned token comes back as the nearest kept one', () => {
  for (const mask of ['added', 'none'] as const) {
    const options = { ...plain, mask }
    test.each(schedules)(`mask ${mask}: %s`, async (_, method, amounts) => {
      const pruning = { method, schedule: amounts, restore: 'nearest' } as const
      await expectNearest(embedder(options), 'states', inputsOf(options, 3, 11, 4), pruning, { apart: [0] })
    })
  }

  const amounts = [{ keep: 0.8 }, { mass: 0.8 }]
  for (const [name, options] of [
    ['at outputs', { ...plain, layerCount: 4, head: (x: Tensor) => x }],
    ['upstream of a head', { ...plain, layerCount: 4 }],
    ['without a mask', { ...plain, layerCount: 4, mask: 'none' }],
  ] as const) {
    test.each(amounts)(`the same holds where a pruned file is pruned further, ${name}: %j`, async (amount) => {
      const model = decodeModel(emitModel({ logits: statesOf(options).logits }, { opset: 17 }))
      const at = (...layers: number[]): PruneOptions => ({
        ...{ method: receivedAttention(), schedule: schedule(4, { layers, ...amount }), restore: 'nearest' },
      })
      const inputs = inputsOf(options, 3, 11, 4)
      const direct = await run(pruned(model, at(0, 1, 2)), inputs)
      const again = await run(pruned(pruned(pruned(model, at(0)), at(1)), { ...at(2), restore: 'auto' }), inputs)
      expect(again.logits?.dims).toEqual(direct.logits?.dims)
      expect(difference(attended(again, inputs), attended(direct, inputs))).toBeLessThan(1e-5)
    })
  }

  describe('which may be a protected one', () => {
    const options = { method: receivedAttention(), schedule: schedule(3, { keep: 0.5 }), restore: 'nearest' } as const

    test('such as a word that the user protects, not the first token of a text', async () => {
      await expectNearest(
        embedder(plain),
        'states',
        inputsOf(plain, 3, 11, 4),
        { ...options, protect: [0, 4] },
        { apart: [0] },
      )
    })

    test('such as the first frame of a recording', async () => {
      const start = (): Tensor => input('frames', 'float32', ['batch', 'sequence', 8])
      const model = embedder({ ...plain, mask: 'none', start })
      const next = seeded(5)
      const frames = float32(
        [3, 11, 8],
        Array.from({ length: 3 * 11 * 8 }, () => 2 * next() - 1),
      )
      expect(inspect(model)).toMatchObject({ protectedTokens: [0], classToken: undefined })
      await expectNearest(model, 'states', { frames }, options, { apart: [] })
    })
  })
})

/** Token 2 is merged into 5, and with it into 7 at the next site; 3 is dropped at the first site, 4 at the second. */
const merging: Method = {
  name: 'merging',
  family: 'hybrid',
  reduce({ budget, attended, position, layer, index }) {
    if (budget === undefined) return { keep: attended }
    const isAt = (token: number): Tensor => equal(position, token)
    const removed = layer === 0 ? or(isAt(2), isAt(3)) : or(isAt(5), isAt(4))
    const at = (token: number): Tensor => sum(where(isAt(token), index, 0), 1, { keepDims: true })
    const into = layer === 0 ? where(isAt(2), at(5), -1) : where(isAt(5), at(7), -1)
    return { keep: budget.select(where(removed, -1, 1)), into }
  },
}

test.each([
  ['by a number', { remove: 2 }],
  ['by a share that differs by example', { threshold: 0 }],
])(
  'a merged token comes back as the one that it was merged into, a dropped one as the nearest, %s',
  async (_, amount) => {
    const model = embedder({ ...plain, mask: 'none' })
    const inputs = inputsOf({ ...plain, mask: 'none' }, 2, 11, 0)
    const options = { method: merging, schedule: schedule(3, { layers: [0, 1], ...amount }) } as const
    const { states } = await run(pruned(model, { ...options, restore: 'nearest' }), inputs)
    const { states: kept } = await run(pruned(model, { ...options, restore: 'none' }), inputs)
    const width = states?.dims[2] as number
    for (const [example, whole] of rows(states).entries()) {
      const own = rows(kept)[example] as number[]
      expect(own).toHaveLength(7 * width)
      for (const [token, target] of SOURCES.entries()) {
        const [a, b] = [
          whole.slice(token * width, (token + 1) * width),
          own.slice(target * width, (target + 1) * width),
        ]
        expect(difference(a, b), `token ${token}`).toBeLessThan(1e-6)
      }
    }
  },
)

/** The row that each token of the last test has, among those of tokens 0, 1, 6, 7, 8, 9 and 10, which are kept in the end. */
const SOURCES = [0, 1, 3, 1, 2, 3, 2, 3, 4, 5, 6]

/** The entries of real tokens. */
function attended({ logits }: NamedTensors, { attention_mask: mask }: NamedTensors): number[] {
  const width = logits?.dims[2] as number
  const real = mask && numbers(mask)
  return numbers(logits).filter((_, i) => real?.[Math.floor(i / width)] !== 0)
}

describe('frames and patches come back so by default, and an output without them declares its size', () => {
  const found = fixtures
    .filter(({ facts }) => facts.prunable)
    .flatMap((fixture) => {
      const report = inspectFixture(fixture)
      const output = report.ok && report.head.find(({ reads }) => reads.every(({ kind }) => kind === 'token-states'))
      const isText = Object.values(dataSets(fixture)[0]?.inputs ?? {}).some(({ type }) => type.startsWith('int'))
      if (!report.ok || !output || isText) return []
      return [{ fixture, output: output.output }]
    })
  if (found.length === 0) test.skip('exported encoders of images and audio (needs the shared fixtures)', () => {})
  for (const { fixture, output } of found) {
    test(fixture.name, async () => {
      const model = openFixture(fixture)
      const [{ inputs }] = dataSets(fixture) as [ReturnType<typeof dataSets>[number]]
      const options = { method: receivedAttention(), schedule: schedule(fixture.facts.layers, { keep: 0.6 }) }
      await expectNearest(model, output, inputs, options, neighborhoodIn(model))
      const compact = pruned(model, { ...options, restore: 'none' })
      const dims = (await run(compact, inputs))[output]?.dims ?? []
      const declared = new Graph(compact).outputs.find(({ name }) => name === output)?.dims ?? []
      for (const [axis, dim] of declared.entries()) if (typeof dim === 'number') expect(dim).toBe(dims[axis])
    })
  }
})
