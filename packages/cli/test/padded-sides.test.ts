import { type PruneOptions, prune, transform } from '@tp/compiler'
import { constantOf, isTpError, type MethodEntry, type ScheduleOptions, schedule } from '@tp/core'
import { amountRules, initialValues, paramsAt } from '@tp/core/host'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { decodeModel, type Model } from '@tp/onnx'
import { difference, inTurn, openModel, type UnplacedHead, unplacedEncoder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { loadMethods } from '../src/plugins/load-methods.ts'

/**
 * An example alone, in a batch that is padded on the right, and in one that is padded on the left: every method by every rule of
 * selection. The encoder itself says the same in all three, but for a class token, which its head reads at position 0.
 */
const examples = [
  [3, 17, 8, 25, 9, 12, 5, 21],
  [4, 28, 7, 29, 11, 6, 17, 2, 9, 14, 22, 10],
  [19, 8, 13],
]
const WIDTH = 12
const sides = ['right', 'left'] as const
const heads: readonly UnplacedHead[] = ['masked mean', 'every token', 'states', 'class token']

/** Those for texts; one that looks for silence refuses them. */
const methods = [...(await loadMethods([])).values()]
  .map(({ entry }) => entry)
  .filter((entry) => !entry.create().unscheduled)
const rules: readonly ScheduleOptions[] = Object.values(amountRules).map(({ name, example }) => ({ [name]: example }))

/** The inputs for some examples, each at one side of a row of `width`. */
function feedsOf(rows: readonly (readonly number[])[], width: number, side: (typeof sides)[number]): NamedTensors {
  const padded = (row: readonly number[], filler: number): number[] => {
    const padding = Array.from({ length: width - row.length }, () => filler)
    return side === 'left' ? [...padding, ...row] : [...row, ...padding]
  }
  const tensor = (list: readonly number[]): TensorLike => ({
    type: 'int64',
    dims: [rows.length, width],
    data: BigInt64Array.from(list, BigInt),
  })
  return {
    input_ids: tensor(rows.flatMap((row) => padded(row, 1))),
    attention_mask: tensor(
      rows.flatMap((row) =>
        padded(
          row.map(() => 1),
          0,
        ),
      ),
    ),
  }
}

/** The results of one example: numbers, those of its own tokens where there are some for each, and which tokens were kept. */
interface Outcome {
  readonly numbers: readonly number[]
  readonly kept: Readonly<Record<string, readonly number[]>>
}

function outcomeOf(results: NamedTensors, row: number, first: number, length: number): Outcome {
  const [name] = Object.keys(results) as [string]
  const answer = results[name] as TensorLike
  const own = rowOf(answer, row)
  const each = answer.dims.length === 3 ? own.length / (answer.dims[1] as number) : undefined
  const traced = Object.keys(results).filter((name) => name.endsWith('.indices'))
  return {
    numbers: each === undefined ? own : own.slice(first * each, (first + length) * each),
    kept: Object.fromEntries(
      traced.map((name) => {
        const valid = rowOf(results[name.replace('indices', 'valid')] as TensorLike, row)
        const places = rowOf(results[name] as TensorLike, row).filter((_, slot) => valid[slot] === 1)
        return [name, places.map((place) => place - first)]
      }),
    ),
  }
}

function rowOf({ dims, data }: TensorLike, row: number): number[] {
  const size = data.length / (dims[0] as number)
  return Array.from(data.slice(row * size, (row + 1) * size) as ArrayLike<number | bigint>, Number)
}

async function outcomes(session: Session): Promise<Record<'alone' | (typeof sides)[number], Outcome[]>> {
  const alone: Outcome[] = []
  for (const row of examples)
    alone.push(outcomeOf(await session.run(feedsOf([row], row.length, 'right')), 0, 0, row.length))
  const padded = async (side: (typeof sides)[number]): Promise<Outcome[]> => {
    const results = await session.run(feedsOf(examples, WIDTH, side))
    return examples.map((row, i) => outcomeOf(results, i, side === 'left' ? WIDTH - row.length : 0, row.length))
  }
  return { alone, right: await padded('right'), left: await padded('left') }
}

/** Trained values of a method, before anything was learned. */
function paramsOf(entry: MethodEntry): NonNullable<PruneOptions['params']> {
  return (layer) => {
    const needed = Object.entries(paramsAt(entry.create(), layer)).filter(([, { optional }]) => optional !== true)
    const values = initialValues(Object.fromEntries(needed), { D: 8, H: 2, T: 16 }, randomNumbers(7))
    return Object.fromEntries(Object.entries(values).map(([name, x]) => [name, constantOf(x, () => x.data)]))
  }
}

/** The pruned model, or the code of the refusal. */
function prunedBy(
  entry: MethodEntry,
  model: Model,
  amounts: ScheduleOptions,
  protect: NonNullable<PruneOptions['protect']>,
): Model | string {
  try {
    const plan = {
      method: entry.create(),
      schedule: schedule(3, { layers: [0, 1], ...amounts }),
      params: paramsOf(entry),
    }
    return transform(model, prune({ ...plan, trace: true, protect })).model
  } catch (error) {
    if (isTpError(error)) return error.code
    throw error
  }
}

async function expectSame(model: Model): Promise<Outcome[]> {
  await using session = await openModel(model)
  const { alone, right, left } = await outcomes(session)
  for (const [i, expected] of alone.entries()) {
    for (const [side, padded] of [
      ['right', right],
      ['left', left],
    ] as const) {
      const actual = padded[i] as Outcome
      expect(actual.kept, `kept of example ${i}, padded on the ${side}`).toEqual(expected.kept)
      expect(difference(actual.numbers, expected.numbers), `example ${i}, padded on the ${side}`).toBeLessThan(1e-4)
    }
  }
  return alone
}

describe.each(heads)('a head that reads: %s', (head) => {
  const model = decodeModel(unplacedEncoder(head))

  if (head !== 'class token') {
    test('the dense model says the same whichever side is padded', async () => {
      await expectSame(model)
    })
  }

  for (const [row, entry] of methods.entries()) {
    if (!inTurn(heads, row, 1).includes(head)) continue
    // Where all tokens are there again the head reads what it reads of the dense model: padding.
    if (head === 'class token' && (entry.name === 'none' || entry.create().returns)) continue
    // The other heads read no class token, which some methods need.
    const protect = head === 'class token' ? 'auto' : [0]
    for (const amounts of inTurn(rules, row + heads.indexOf(head), 1)) {
      test(`${entry.name}, ${JSON.stringify(amounts)}: keeps the same tokens whichever side is padded`, async () => {
        const pruned = prunedBy(entry, model, amounts, protect)
        // Some have no scores, or such as may be negative.
        if (typeof pruned === 'string') return expect(pruned).toBe('TP_SCHEDULE')
        const alone = await expectSame(pruned)
        for (const { kept } of alone) for (const tokens of Object.values(kept)) expect(tokens).toContain(0)
      })
    }
  }
})

test('a file that is pruned again keeps the same tokens whichever side is padded', async () => {
  const [random, tome] = ['random', 'tome'].map((name) => methods.find((entry) => entry.name === name)) as [
    MethodEntry,
    MethodEntry,
  ]
  const steps = [random, tome].map((entry, layer) => ({
    method: entry.create(),
    schedule: schedule(3, { layers: [layer], keep: 0.6 }),
    protect: [0, 2],
  }))
  const twice = steps.reduce(
    (model, step) => {
      const result = transform(model, prune(step))
      return result.model
    },
    decodeModel(unplacedEncoder('masked mean')),
  )
  await expectSame(twice)
})

test('states of pruned tokens are those of the nearest kept one, a first token that is apart aside', async () => {
  const random = methods.find(({ name }) => name === 'random') as MethodEntry
  const plan = {
    method: random.create(),
    schedule: schedule(3, { layers: [0, 1], keep: 0.4 }),
    restore: 'nearest',
  } as const
  const result = transform(decodeModel(unplacedEncoder('states')), prune(plan))
  await expectSame(result.model)
})

test('tokens that are protected are those with that number among the real ones', async () => {
  const random = methods.find(({ name }) => name === 'random') as MethodEntry
  const model = prunedBy(random, decodeModel(unplacedEncoder('masked mean')), { tokens: 3 }, [0, 2]) as Model
  for (const { kept } of await expectSame(model))
    for (const tokens of Object.values(kept)) expect(tokens).toEqual(expect.arrayContaining([0, 2]))
})
