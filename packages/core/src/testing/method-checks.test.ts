import { describe, expect, test } from 'vitest'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import { scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import type { Training } from '../method/training.ts'
import {
  abs,
  add,
  and,
  axisSize,
  cast,
  div,
  equal,
  greater,
  log,
  mean,
  mul,
  not,
  or,
  sigmoid,
  sub,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { type MethodTestOptions, methodChecks } from './method-checks.ts'

function scoring(score: (site: Site) => Tensor): Method {
  return scorer({ name: 'a-method', family: 'attention', score })
}

function choosing(keep: (site: Site) => Tensor): Method {
  return Object.freeze<Method>({ name: 'a-method', family: 'attention', reduce: (site) => ({ keep: keep(site) }) })
}

/** Names of the checks that do not hold, of all or of those with such a name. */
async function failures(method: Method, options?: MethodTestOptions, among = /(?:)/): Promise<string> {
  const names: string[] = []
  for (const { name, check } of methodChecks(method, options).filter(({ name }) => among.test(name))) {
    try {
      await check()
    } catch {
      names.push(name)
    }
  }
  return names.join('\n')
}

const sound = scoring((site) => site.received)
const interpreter: NonNullable<MethodTestOptions['run']> = async (outputs, feeds) => evaluate(outputs, feeds)

test('fails a method that throws in the checks, and not while they are listed', async () => {
  const throwing = scoring(() => {
    throw new Error('not yet')
  })
  expect(methodChecks(throwing).length).toBeGreaterThan(10)
  expect(await failures(throwing)).toMatch(/keep ratio of 0\.3, keeps the right/)
})

test('passes a sound method in all checks', async () => {
  expect(await failures(sound, { run: interpreter })).toBe('')
})

describe('the checks find a method that', () => {
  /** float [1] */
  const width = (site: Site): Tensor => cast(axisSize(site.hidden, 1), 'float32')
  const keep = (site: Site): Tensor => unsqueeze(site.budget?.keep ?? site.count, 1)
  let calls = 0
  const broken: readonly (readonly [what: string, method: Method, found: RegExp])[] = [
    ['lets padding queries count', scoring((site) => mean(mean(site.attention, 2), 1)), /in any batch/],
    [
      'prefers the middle of the row, padding included',
      scoring((site) => sub(width(site), abs(sub(mul(site.position, 2), width(site))))),
      /in any batch/,
    ],
    [
      'takes the second place for the second token',
      scoring((site) => where(equal(site.index, 1), 9, site.received)),
      /padded on either side/,
    ],
    [
      'looks at the other examples',
      scoring((site) => mul(site.received, mean(site.received, 0, { keepDims: true }))),
      /in any batch/,
    ],
    ['keeps more than the schedule says', choosing(({ attended }) => attended), /keeps the right number/],
    ['keeps less than the schedule says', choosing(({ protectedTokens }) => protectedTokens), /keeps the right number/],
    [
      'spends its budget on padding',
      choosing((site) => greater(site.position, sub(sub(width(site), keep(site)), 1))),
      /keeps the right number/,
    ],
    [
      'does not count the protected tokens inside its number',
      choosing((site) =>
        or(site.protectedTokens, greater(site.position, sub(sub(unsqueeze(site.count, 1), keep(site)), 1))),
      ),
      /keeps the right number/,
    ],
    ['gives scores that are not numbers', scoring((site) => log(sub(mul(site.received, 0), 1))), /scores real tokens/],
    [
      'gives another graph when built again',
      scoring((site) => {
        calls += 1
        return calls % 2 === 0 ? site.received : site.position
      }),
      /the same when built or computed twice/,
    ],
    ['loses its scores in float32', scoring((site) => add(mul(site.received, 1e-9), 1)), /float32/],
    [
      'does not give the state that it declares',
      Object.freeze<Method>({ ...sound, carry: { importance: { dims: ['N'], init: 0 } } }),
      /carries what it declares/,
    ],
    ['is not frozen', { ...sound }, /frozen/],
    ['has a name that no command line takes', Object.freeze<Method>({ ...sound, name: 'A Method' }), /frozen/],
  ]
  test.each(broken)('%s', async (_what, method, found) => {
    expect(await failures(method, {}, found)).not.toBe('')
  })

  test('divides by the padded length, which no ranking shows', async () => {
    const method = scoring((site) => div(mul(site.received, unsqueeze(site.count, 1)), width(site)))
    expect(await failures(method)).toMatch(/^scores real tokens.*\n.*by threshold/)
  })

  test('keeps fewer tokens than the schedule says, unless its author says so', async () => {
    const fewer = choosing(({ protectedTokens, budget, received, attended }) => {
      const least = greater(received, 0.15)
      return budget === undefined ? attended : or(protectedTokens, least)
    })
    const atRatio = /keep ratio of 0\.7/
    expect(await failures(fewer, {}, atRatio)).toMatch(/keeps the right number/)
    expect(await failures(fewer, { keeps: 'at most' }, atRatio)).toBe('')
  })

  test('decides by itself how many tokens it keeps, unless it says so', async () => {
    const within = choosing(({ budget, protectedTokens, received, attended }) =>
      budget === undefined ? attended : or(protectedTokens, and(budget.select(received), greater(received, 0.1))),
    )
    expect(await failures(within, {}, /asked for more/)).toMatch(/keeps all/)
    expect(await failures(Object.freeze({ ...within, adaptive: true }))).toBe('')
  })

  test('gives something else on a runtime', async () => {
    const other: typeof interpreter = async (outputs, feeds) => {
      const results = evaluate(outputs, feeds)
      const { valid_1: valid } = results
      return valid === undefined
        ? results
        : { ...results, valid_1: evaluate([not(outputs.valid_1 as Tensor)], feeds)[0]! }
    }
    expect(await failures(sound, { run: other }, /on a runtime/)).not.toBe('')
  })
})

describe('the checks find a method that learns and', () => {
  const training: Training = {
    params: { threshold: { dims: [], init: 0.1 } },
    soften: (site) => ({ kept: sigmoid(sub(site.received, site.param.threshold as Tensor)) }),
    harden: (learned) => new Map([...learned.keys()].map((layer) => [layer, { kind: 'threshold', value: 0.1 }])),
  }
  const learning = (other: Partial<Training>): Method =>
    Object.freeze({ ...sound, training: { ...training, ...other } })

  const whileItLearns = /learn/

  test('passes all checks if it is sound', async () => {
    expect(await failures(learning({}))).toBe('')
  })

  const broken: readonly (readonly [what: string, other: Partial<Training>, found: RegExp])[] = [
    [
      'keeps more of a token than there is',
      { soften: (site) => ({ kept: add(site.received, 1) }) },
      /^keeps between none and all/,
    ],
    [
      'lets padding decide',
      { soften: (site) => ({ kept: sigmoid(sub(site.received, mean(site.received, 1, { keepDims: true }))) }) },
      /learns the same from an example/,
    ],
    [
      'has a loss that depends on the width of the batch',
      { soften: (site) => ({ kept: site.kept, losses: { regulariser: mean(site.kept, 1) } }) },
      /^learns the same from an example/,
    ],
    [
      'gives on states of another shape',
      { soften: (site) => ({ kept: site.kept, output: (output) => mean(output, 2) }) },
      /^gives states, attention and losses/,
    ],
    [
      'attends to NaN',
      { soften: (site) => ({ kept: site.kept, attend: (scores) => log(sub(mul(scores, 0), 1)) }) },
      /^gives states, attention and losses/,
    ],
    [
      'gives amounts for layers that did not learn',
      { harden: () => new Map([[0, { kind: 'ratio', value: 0.5 }]]) },
      /^turns what it has learned/,
    ],
    [
      'gives invalid amounts',
      { harden: () => new Map([[1, { kind: 'ratio', value: Number.NaN }]]) },
      /^turns what it has learned/,
    ],
  ]
  test.each(broken)('%s', async (_what, other, found) => {
    expect(await failures(learning(other), {}, whileItLearns)).toMatch(found)
  })
})

test('a sequence is refused: its parts are tested alone', () => {
  const method: Method = {
    ...choosing(({ attended }) => attended),
    name: 'one+other',
    before: choosing(({ attended }) => attended),
  }
  expect(() => methodChecks(method)).toThrow('one+other is a sequence of two methods; test a-method and')
})

test('a size that shrinks at a later layer is found', async () => {
  const forgets = Object.freeze<Method>({
    ...choosing(({ attended }) => attended),
    reduce: ({ attended, budget, size, layer }) =>
      budget === undefined
        ? { keep: attended }
        : { keep: budget.select(size), mass: layer === 1 ? add(size, 1) : div(size, size) },
  })
  expect(await failures(forgets, {}, /counts? for less/)).toMatch(/^lets no kept token count for less/)
  const keeps = choosing(({ attended }) => attended)
  expect(await failures(keeps, {}, /counts? for less/)).toBe('')
})
