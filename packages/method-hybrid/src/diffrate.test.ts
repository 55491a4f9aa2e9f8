import { gradients } from '@tp/autodiff'
import { add, constant, evaluate, type Learned, mul, sum, type Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import { initialState, softenTokens } from '@tp/core/host'
import { arrayOf, expectClose, ofGradients } from '@tp/core/testing'
import { thorough } from 'exported-encoders'
import fc from 'fast-check'
import { testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectKept, reduceOnce, sizesOf } from '../test/one-site.ts'
import { softAndHard } from '../test/soft-and-hard.ts'
import { vitLayer } from '../test/vit-layer.ts'
import { chosenCount, countChoice } from './count-choice.ts'
import { diffrate } from './index.ts'

const cases = ['keep-all', 'merge-only', 'merge-to-two', 'prune-merge', 'prune-only']

test.each(cases)("agrees with the authors' layer: infer-%s", (name) => {
  const golden = goldenCase(`diffrate/infer-${name}`)
  const { prune_kept: unpruned, merge_kept: unmerged } = golden.params as { prune_kept: number; merge_kept: number }
  const { site, feedForward } = vitLayer(golden, { size: sizesOf(arrayOf(golden.inputs, 'size')), proportional: true })
  const tokens = site.hidden.dims[1] as number
  const kept = Math.min(unpruned, unmerged)
  const pruned = kept === tokens ? 0 : (tokens - unpruned) / (tokens - kept)
  const left = reduceOnce(diffrate({ pruned }), site, { kind: 'tokens', value: kept }, feedForward)
  expectKept(left, arrayOf(golden.outputs, 'y'), arrayOf(golden.outputs, 'size_out'))
})

/** Their numbers do not count the class token: one more each here, and a number 1 that is never chosen. */
function logitsOf(theirs: readonly number[], granularity = 1): Tensor {
  return constant([...theirs.flatMap((logit) => [logit, ...Array(granularity - 1).fill(NEVER)]), NEVER])
}
const NEVER = -1e9

describe('the authors’ selection of a number', () => {
  test.each(['proxy', 'proxy-granularity-3', 'proxy-last-11'])(
    'gives the same number, mask and gradient: %s',
    (name) => {
      const { inputs, outputs, params } = goldenCase(`diffrate/${name}`)
      const granularity = params.granularity as number
      const tokens = (params.patch_number as number) + 1
      const logits = logitsOf(arrayOf(inputs, 'selected_probability').data, granularity)
      const { count, expected, mask } = countChoice(logits)
      const rank = constant([...Array(tokens).keys()], 'float32', [1, tokens])
      const last = (params.last_token_number as number | null) ?? tokens
      const own = mask(rank, constant([last], 'float32', [1, 1]))
      const answer = sum(mul(own, constant(arrayOf(inputs, 'grad_mask').data, 'float32', [1, tokens])), [0, 1])
      const loss = add(answer, mul(mul(count, count), 0.01))
      const results = evaluate([count, own, loss, expected, ...gradients(loss, [logits])], {})
      const [number, seen, total, mean, slopes] = results.map(({ data }) => Array.from(data as Float32Array))
      expect(number).toEqual(arrayOf(outputs, 'kept').data)
      expect(chosenCount(constantData(logits)?.data ?? [])).toBe(number?.[0])
      expect((number?.[0] as number) - (mean?.[0] as number)).toBeLessThan(1)
      expect(seen?.map(Math.round)).toEqual(arrayOf(outputs, 'token_mask').data.map(Math.round))
      expectClose(total ?? [], arrayOf(outputs, 'loss').data, 'loss')
      const theirs = (slopes ?? []).filter((_, i) => i % granularity === 0 && i < tokens - 1)
      expectClose(theirs, arrayOf(outputs, 'grad_selected_probability').data, 'gradient', ofGradients)
    },
  )
})

test('gives the cost of tokens downstream of three layers, and its gradient for all numbers: flops-gradient', () => {
  const { inputs, outputs, params } = goldenCase('diffrate/flops-gradient')
  const [tokens, width] = [(params.patch_number as number) + 1, params.dim as number]
  const random = (count: number) => Array.from({ length: count }, (_, i) => 1 + Math.sin(7 * i))
  const hidden = constant(random(tokens * width), 'float32', [1, tokens, width])
  const attention = constant(random(tokens * tokens), 'float32', [1, 1, tokens, tokens])
  const missing = () => hidden
  const logits = [0, 1, 2].map((layer) =>
    ['prune', 'merge'].map((kind) => logitsOf(arrayOf(inputs, `${kind}_logits_${layer}`).data)),
  ) as [Tensor, Tensor][]
  let state = initialState(hidden, undefined, [0])
  let kept: Tensor | undefined
  let before: Tensor = constant([tokens])
  const costs: Tensor[] = []
  const counts: Tensor[] = []
  for (const [layer, [prune, merge]] of logits.entries()) {
    const nothing = { query: missing, key: missing, value: missing, attentionFrom: missing, classToken: () => 0 }
    const source = { layer, layerCount: 3, hidden, ...nothing, attention: () => attention }
    const unknown = { noise: missing, saliency: missing, ratio: missing }
    const reduced = softenTokens({ method: diffrate(), source, state, kept, params: { prune, merge }, inputs: unknown })
    ;[state, kept] = [reduced.state, reduced.kept]
    costs.push(add(mul(before, 4 * width * width), mul(mul(before, before), 2 * width)))
    before = sum(kept, 1)
    costs.push(mul(before, 8 * width * width))
    counts.push(before)
  }
  const flops = sum(
    mul(
      costs.reduce((a, b) => add(a, b)),
      1e-4,
    ),
    [0],
  )
  const [total, ...others] = evaluate([flops, ...counts, ...gradients(flops, logits.flat())], {}).map(({ data }) =>
    Array.from(data as Float32Array),
  )
  expectClose(total ?? [], arrayOf(outputs, 'block_flops').data, 'FLOPs')
  const keptCounts = arrayOf(outputs, 'kept').data
  let most = tokens
  for (const layer of [0, 1, 2]) {
    most = Math.min(most, keptCounts[2 * layer] as number, keptCounts[2 * layer + 1] as number)
    expectClose(others[layer] ?? [], [most], `tokens after layer ${layer}`)
    for (const [i, kind] of ['prune', 'merge'].entries()) {
      const { data } = arrayOf(outputs, `grad_${kind}_logits_${layer}`)
      expectClose((others[3 + 2 * layer + i] ?? []).slice(0, -1), data, `${kind} ${layer}`, ofGradients)
    }
  }
})

test('answers like the pruned model during training, at any numbers', async () => {
  const count = fc.integer({ min: 1, max: TOKENS })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(count, count), { minLength: 3, maxLength: 3 }), async (counts) => {
      const learned = counts.map(([prune, merge], i): [number, Learned] => [
        i + 1,
        { prune: choosing(prune), merge: choosing(merge) },
      ])
      const { soft, hard } = await softAndHard(diffrate(), new Map(learned))
      soft.forEach((logit, i) => {
        expect(Math.abs(logit - (hard[i] as number))).toBeLessThan(1e-3)
      })
    }),
    { numRuns: thorough(2, 4), endOnFailure: true },
  )
})

// The command line's tests of every day train it, too.
testLearning(diffrate(), { targetFlops: 0.6, falls: 0.97, tags: ['exhaustive'] })

/** Tokens of the images. */
const TOKENS = 50

/** Logits by which one number is chosen for certain. */
function choosing(count: number): Learned[string] {
  const data = Float32Array.from({ length: TOKENS }, (_, i) => (TOKENS - i === count ? 50 : 0))
  return { dtype: 'float32', dims: [TOKENS], data }
}
