import { expect } from 'vitest'
import type { TensorLike } from '../array.ts'
import { isTpError, TpError } from '../errors.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { reducesAt } from '../host/at-layer.ts'
import { amountRules } from '../method/amount-rules.ts'
import type { Method, Reduces } from '../method/method.ts'
import {
  type Amount,
  keptCount,
  type Schedule,
  type ScheduleOptions,
  schedule,
  wholeAmount,
} from '../method/schedule.ts'
import { and, cast, sub, where } from '../ops/index.ts'
import {
  type BatchLayout,
  batchOf,
  compute,
  type EncoderOutcome,
  examplesOf,
  outputsOf,
  readOutcomes,
  rowOf,
} from './encoder-batch.ts'
import { recording } from './recording.ts'
import { type EncoderGraph, referenceEncoder } from './reference-encoder.ts'
import { trainingChecks } from './training-checks.ts'

/** Rules that choose by the scores. */
const rulesByScore = Object.values(amountRules).filter(({ keptCount }) => keptCount === undefined)

export interface MethodTestOptions {
  /**
   * How many tokens it keeps where the schedule says k: that many (default), at most that many (default of an `adaptive`
   * method), or all it gets.
   */
  readonly keeps?: 'as many' | 'at most' | 'all'
  /** Runs an expression on a real runtime, by writing it as a model: `emitModel` of @tp/onnx and a Runtime. */
  readonly run?: (
    outputs: Readonly<Record<string, Tensor>>,
    feeds: Readonly<Record<string, TensorLike>>,
  ) => Promise<Record<string, TensorLike>>
}

/** One requirement on a method. */
export interface MethodCheck {
  readonly name: string
  check(): void | Promise<void>
}

const size = { layerCount: 4, hidden: 16, heads: 4, classes: 3, seed: 7 }
const lengths = [11, 7, 14, 2, 1]
const examples = examplesOf(lengths, size.hidden, 11)
const asBatch = batchOf(examples, 14, 'right-padded', 1)
const exact = { precision: 'float64' } as const

/**
 * The contract of every method, as checks that throw; `testMethod` makes tests of them.
 * @throws TpError TP_OPTION for a `sequence`, whose parts are tested alone
 */
export function methodChecks(
  method: Method,
  { keeps = method.adaptive ? 'at most' : 'as many', run }: MethodTestOptions = {},
): MethodCheck[] {
  if (method.before !== undefined) {
    const advice = `test ${method.before.name} and the method after it, one at a time`
    throw new TpError('TP_OPTION', 'core', `${method.name} is a sequence of two methods; ${advice}`)
  }
  const pruned = (options: ScheduleOptions, { protectedTokens = [0], mask = true } = {}): EncoderGraph =>
    referenceEncoder(size, { mask, pruning: { method, schedule: schedule(size.layerCount, options), protectedTokens } })

  /** Read inside a check, because the method may throw. */
  let orders: boolean | undefined

  function checkCounts(outcomes: readonly EncoderOutcome[], plan: Schedule, protectedTokens: readonly number[]): void {
    orders ??= givesOrder(method)
    outcomes.forEach(({ kept, fillersLast, logits }, row) => {
      let count = lengths[row] as number
      const all = Array.from({ length: count }, (_, i) => i)
      let before = all
      for (const [layer, amount] of plan) {
        if (method.returns) [count, before] = [all.length, all]
        // a layer without a cut kept everything
        const now = kept[layer] ?? before
        const at = `example ${row} of ${lengths[row]} tokens, layer ${layer}`
        const inOrder = before.filter((i) => now.includes(i))
        if (orders) expect(sorted(now), `${at}: kept tokens are real, each once`).toEqual(sorted(inOrder))
        else expect(now, `${at}: kept tokens are real, and in their order`).toEqual(inOrder)
        for (const token of protectedTokens) {
          if (token < (lengths[row] as number)) expect(now, `${at}: a protected token`).toContain(token)
        }
        const obeyed = method.unscheduled ? wholeAmount : amount
        const expected = countAfter(count, obeyed, protectedTokens.length, reducesAt(method, layer))
        if (keeps === 'as many') expect(now.length, at).toBe(expected)
        if (keeps === 'at most') expect(now.length, at).toBeLessThanOrEqual(expected)
        if (keeps === 'all') expect(now.length, at).toBe(count)
        expect(now.length, at).toBeGreaterThan(0)
        count = now.length
        before = [...now]
      }
      expect(fillersLast, 'fillers come after all tokens').toBe(true)
      for (const logit of logits) expect(logit, 'a logit').toBeTypeOf('number')
      expect(logits.every(Number.isFinite), `logits of example ${row} are numbers: ${logits}`).toBe(true)
    })
  }

  function checkInvariance(graph: EncoderGraph): void {
    const expected = compute(graph, asBatch, exact)
    const check = (rows: readonly number[], width: number, layout: BatchLayout, how: string): void => {
      const batch = batchOf(
        rows.map((row) => examples[row] ?? []),
        width,
        layout,
        width,
      )
      const outcomes = compute(graph, batch, exact)
      rows.forEach((row, i) => {
        expectSame(outcomes[i] as EncoderOutcome, expected[row] as EncoderOutcome, 1e-9, `example ${row} ${how}`)
      })
    }
    lengths.forEach((length, row) => {
      check([row], length, 'right-padded', 'alone')
      check([row], length + 5, 'right-padded', 'alone, padded')
      check([row], length + 5, 'left-padded', 'alone, padded on the left')
    })
    check([4, 2, 0, 3, 1], 19, 'right-padded', 'in another order, padded')
    check([0, 1, 2, 3, 4], 14, 'left-padded', 'in the same batch, padded on the left')
    check([1, 0, 1], 13, 'scattered', 'with padding between its tokens')
  }

  const keepsAllThereAre: MethodCheck = {
    name: 'asked for more tokens than there are, keeps all and gives the dense model’s logits',
    check() {
      const dense = compute(referenceEncoder(size, { mask: true }), asBatch, exact)
      compute(pruned({ tokens: 9999 }), asBatch, exact).forEach(({ logits, kept }, row) => {
        expectClose(logits, (dense[row] as EncoderOutcome).logits, 1e-9, `logits of example ${row}`)
        for (const now of Object.values(kept)) expect(now).toHaveLength(lengths[row] as number)
      })
    },
  }

  const decidesByItself: MethodCheck = {
    name: 'asked for more tokens than there are, keeps at most those that there are',
    check() {
      const options = { tokens: 9999 }
      checkCounts(compute(pruned(options), asBatch, exact), schedule(size.layerCount, options), [0])
    },
  }

  const checks: MethodCheck[] = [
    {
      name: 'is a frozen object with a name like cls-attention and a known family',
      check() {
        expect(method.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
        expect(['attention', 'gradient', 'reinforcement', 'hybrid', 'baseline']).toContain(method.family)
        expect(Object.isFrozen(method)).toBe(true)
      },
    },
    ...[0.05, 0.3, 0.7, 1].map((keep) => ({
      name: `at a keep ratio of ${keep}, keeps the right number, in order, protected tokens and no padding`,
      check() {
        checkCounts(compute(pruned({ keep }), asBatch, exact), schedule(size.layerCount, { keep }), [0])
      },
    })),
    {
      name: 'keeps a number of tokens, at some layers only',
      check() {
        const options = { layers: [0, 2], tokens: [9, 4] }
        checkCounts(compute(pruned(options), asBatch, exact), schedule(size.layerCount, options), [0])
      },
    },
    {
      name: 'removes a number of tokens',
      check() {
        const options = { layers: [0, 1, 3], remove: [2, 1, 3] }
        checkCounts(compute(pruned(options), asBatch, exact), schedule(size.layerCount, options), [0])
      },
    },
    ...[[], [0, 1], [0, 3, 5]].map((protectedTokens) => ({
      name: `keeps the protected tokens (${protectedTokens.join(', ') || 'none'}) within the count`,
      check() {
        const options = { layers: protectedTokens.length === 0 ? [1] : [1, 2, 3], keep: 0.4 }
        checkCounts(
          compute(pruned(options, { protectedTokens }), asBatch, exact),
          schedule(size.layerCount, options),
          protectedTokens,
        )
      },
    })),
    {
      name: 'keeps the same tokens and gives the same logits in a model without padding',
      check() {
        const alone = batchOf([examples[2] ?? []], 14, 'right-padded', 1)
        const [withMask] = compute(pruned({ keep: 0.6 }), alone, exact)
        const [without] = compute(pruned({ keep: 0.6 }, { mask: false }), alone, exact)
        expectSame(without as EncoderOutcome, withMask as EncoderOutcome, 1e-9, 'the model without a mask')
      },
    },
    method.adaptive === true ? decidesByItself : keepsAllThereAre,
    {
      name: 'gives an example the same answer alone, padded on either side, and in any batch',
      check: () => checkInvariance(pruned({ keep: 0.5 })),
    },
    {
      name: 'protects the same tokens of an example wherever its padding is',
      check: () => checkInvariance(pruned({ keep: 0.5 }, { protectedTokens: [0, 3, 5] })),
    },
    {
      name: 'scores real tokens independently of batch and padding',
      check() {
        const { spy, scores } = recording(method)
        referenceEncoder(size, {
          mask: true,
          pruning: { method: spy, schedule: schedule(size.layerCount, { keep: 0.5 }), protectedTokens: [0] },
        })
        const [first] = scores
        if (first === undefined) return // it chooses without a score
        const inBatch = evaluate([first], asBatch.feeds, exact)[0]
        examples.forEach((example, row) => {
          const inRow = rowOf(inBatch, row).slice(0, example.length)
          expect(inRow.every(Number.isFinite), `scores of example ${row} are numbers: ${inRow}`).toBe(true)
          const alone = evaluate([first], batchOf([example], example.length, 'right-padded', 2).feeds, exact)[0]
          expectClose(inRow, rowOf(alone, 0), 1e-9, `scores of example ${row}`)
        })
      },
    },
    {
      name: 'says of real tokens what they would become independently of batch and padding',
      check() {
        const { spy, reductions } = recording(method)
        referenceEncoder(size, {
          mask: true,
          pruning: { method: spy, schedule: schedule(size.layerCount, { keep: 0.5 }), protectedTokens: [0] },
        })
        const final = reductions.find((reduction) => reduction.final !== undefined)?.final
        expect(final !== undefined, 'gives final states where it declares them').toBe(method.completes === true)
        if (final === undefined) return
        const inBatch = evaluate([final], asBatch.feeds, exact)[0]
        examples.forEach((example, row) => {
          const inRow = rowOf(inBatch, row).slice(0, example.length * size.hidden)
          expect(inRow.every(Number.isFinite), `states of example ${row} are numbers`).toBe(true)
          const alone = evaluate([final], batchOf([example], example.length, 'right-padded', 2).feeds, exact)[0]
          expectClose(inRow, rowOf(alone, 0), 1e-9, `states of example ${row}`)
        })
      },
    },
    {
      name: 'carries what it declares, also at layers that prune nothing',
      check() {
        const { spy, reductions } = recording(method)
        const plan = schedule(size.layerCount, { layers: [1, 3], keep: 0.5 })
        referenceEncoder(size, { mask: true, pruning: { method: spy, schedule: plan, protectedTokens: [0] } })
        for (const { carry = {} } of reductions) {
          expect(Object.keys(carry).sort()).toEqual(Object.keys(method.carry ?? {}).sort())
          for (const [name, tensor] of Object.entries(carry)) {
            expect(tensor.rank, `axes of ${name}, batch included`).toBe(1 + (method.carry?.[name]?.dims.length ?? 0))
          }
        }
      },
    },
    {
      name: 'lets no kept token count for less than before where nothing is merged',
      check() {
        const losses: Tensor[] = []
        const { spy } = recording(method, ({ keep, into, mass }, { attended, size }) => {
          if (into !== undefined || mass === undefined || mass === 'none') return
          losses.push(where(and(keep, attended), sub(size, cast(mass, 'float32')), 0))
        })
        referenceEncoder(size, {
          mask: true,
          pruning: { method: spy, schedule: schedule(size.layerCount, { keep: 0.5 }), protectedTokens: [0] },
        })
        for (const loss of evaluate(losses, asBatch.feeds, exact)) {
          expect(Math.max(...Array.from(loss.data as ArrayLike<number>)), 'what a size loses').toBeLessThanOrEqual(1e-6)
        }
      },
    },
    ...rulesByScore.map(({ name: kind, example }) => ({
      name: `selects by ${kind} independently of the batch, or refuses with a reason`,
      check() {
        const graph = builtOrRefused(() => pruned({ [kind]: example }))
        if (graph !== undefined) checkInvariance(graph)
      },
    })),
    {
      name: 'gives the same when built or computed twice',
      check() {
        const graph = pruned({ keep: 0.5 })
        const once = evaluate(outputsOf(graph), asBatch.feeds)
        expect(evaluate(outputsOf(graph), asBatch.feeds), 'computed twice').toEqual(once)
        expect(evaluate(outputsOf(pruned({ keep: 0.5 })), asBatch.feeds), 'built twice').toEqual(once)
      },
    },
    {
      name: 'keeps the same tokens in float32 and float64',
      check() {
        const graph = pruned({ keep: 0.5 })
        const expected = compute(graph, asBatch, exact)
        compute(graph, asBatch).forEach((outcome, row) => {
          expectSame(outcome, expected[row] as EncoderOutcome, 1e-4, `example ${row}`)
        })
      },
    },
  ]
  if (method.training !== undefined) checks.push(...trainingChecks(method))
  if (run === undefined) return checks

  const agree = async (graph: EncoderGraph, batch = asBatch): Promise<void> => {
    const outputs = outputsOf(graph)
    const layers = [...graph.sites.keys()]
    const results = await run(outputs, batch.feeds)
    const expected = readOutcomes(evaluate(outputs, batch.feeds), batch, layers)
    readOutcomes(results, batch, layers).forEach((outcome, row) => {
      expectSame(outcome, expected[row] as EncoderOutcome, 1e-4, `example ${row} on the runtime`)
    })
  }
  return [
    ...checks,
    { name: 'gives on a runtime what the interpreter gives', check: () => agree(pruned({ keep: 0.5 })) },
    {
      name: 'gives on a runtime what the interpreter gives, without a mask',
      async check() {
        const [example] = examples
        const { feeds, positions } = batchOf([example ?? []], 11, 'right-padded', 1)
        const { x } = feeds as { x: TensorLike }
        await agree(pruned({ keep: 0.5 }, { mask: false }), { feeds: { x }, positions })
      },
    },
    ...rulesByScore.map(({ name: kind, example }) => ({
      name: `a runtime gives what the interpreter gives by ${kind}`,
      async check() {
        const graph = builtOrRefused(() => pruned({ [kind]: example }))
        if (graph !== undefined) await agree(graph)
      },
    })),
  ]
}

/** Tokens that an example of `count` tokens keeps at a layer. */
function countAfter(count: number, amount: Amount, protectedTokens: number, reduces: Reduces | undefined): number {
  const kept = Math.min(count, Math.max(keptCount(count, amount) as number, protectedTokens))
  if (reduces === 'fuse') return Math.min(count, kept + 1)
  return reduces === 'pair' ? Math.max(kept, count - Math.floor(Math.max(0, count - protectedTokens) / 2)) : kept
}

/** True if the method puts the kept tokens into an order of its own. */
function givesOrder(method: Method): boolean {
  const { spy, reductions } = recording(method)
  const plan = schedule(size.layerCount, { keep: 0.5 })
  referenceEncoder(size, { mask: true, pruning: { method: spy, schedule: plan, protectedTokens: [0] } })
  return reductions.some(({ order }) => order !== undefined)
}

function sorted(list: readonly number[]): number[] {
  return [...list].sort((a, b) => a - b)
}

function expectSame(seen: EncoderOutcome, expected: EncoderOutcome, tolerance: number, what: string): void {
  expect(seen.kept, `tokens kept of ${what}`).toEqual(expected.kept)
  expectClose(seen.logits, expected.logits, tolerance, `logits of ${what}`)
}

function expectClose(seen: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  expect(seen.length, what).toBe(expected.length)
  const isClose = seen.every((x, i) => Math.abs(x - (expected[i] as number)) <= tolerance * (1 + Math.abs(x)))
  expect(isClose, `${what}: ${seen} instead of ${expected}, tolerance ${tolerance}`).toBe(true)
}

/** A graph, or undefined if the method refuses this rule with a coded error. */
function builtOrRefused(build: () => EncoderGraph): EncoderGraph | undefined {
  try {
    return build()
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_SCHEDULE') return undefined
    throw error
  }
}
