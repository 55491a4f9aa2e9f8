import { describe, expect, test } from 'vitest'
import {
  abs,
  add,
  axisSize,
  cast,
  div,
  evaluate,
  greaterOrEqual,
  log,
  type Method,
  max,
  maximum,
  mean,
  mul,
  or,
  not,
  type Site,
  scorer,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '../index.ts'
import { type MethodTestOptions, methodChecks } from './method-checks.ts'

function scoring(score: (site: Site) => Tensor): Method {
  return scorer({ name: 'broken', family: 'attention', score })
}

function choosing(keep: (site: Site) => Tensor): Method {
  return Object.freeze<Method>({ name: 'broken', family: 'attention', reduce: (site) => ({ keep: keep(site) }) })
}

const received = scoring((site) => site.received)

async function failed(method: Method, options?: MethodTestOptions): Promise<string> {
  const names: string[] = []
  for (const { name, check } of methodChecks(method, options)) {
    try {
      await check()
    } catch {
      names.push(name)
    }
  }
  return names.join('\n')
}

const padded = (site: Site): Tensor => cast(axisSize(site.hidden, 1), 'float32')

describe('the conformance kit finds a method that', () => {
  const broken: readonly [what: string, method: Method, check: RegExp][] = [
    ['lets padding queries count', scoring((site) => mean(mean(site.attention, 2), 1)), /alone, padded, and in any batch/],
    [
      'divides by the padded length, which only a threshold shows',
      scoring((site) => div(mul(site.received, unsqueeze(site.count, 1)), padded(site))),
      /scores of real tokens[^]*selection by threshold/,
    ],
    ['prefers the middle of the row, padding included', scoring((site) => sub(padded(site), abs(sub(mul(site.position, 2), padded(site))))), /in any batch/],
    ['looks at the other examples', scoring((site) => mul(site.received, mean(site.received, 0, { keepDims: true }))), /in any batch/],
    ['keeps more than the schedule says', choosing((site) => site.alive), /counts/],
    ['keeps less than the schedule says', choosing((site) => site.fixed), /counts/],
    [
      'spends its budget on padding',
      choosing((site) => site.budget?.select(site.received) && greaterOrEqual(site.position, sub(padded(site), unsqueeze(site.budget?.keep ?? site.count, 1)))),
      /counts/,
    ],
  ]
  test.each(broken)('%s', async (_what, method, check) => {
    expect(await failed(method)).toMatch(check)
  })
})
