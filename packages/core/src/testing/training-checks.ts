import { expect } from 'vitest'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import { learnedAt } from '../host/at-layer.ts'
import { type SoftInputs, type SoftReduced, softenTokens } from '../host/soften.ts'
import { amountKinds } from '../method/amount-rules.ts'
import { initialValues } from '../method/initial-values.ts'
import type { Method } from '../method/method.ts'
import type { Learned, Softened } from '../method/training.ts'
import { constant, constantOf, expand, gather, sigmoid } from '../ops/index.ts'
import { randomNumbers } from '../statistics/random-numbers.ts'
import { type Batch, type BatchLayout, batchOf, type EncoderExample, examplesOf, rowOf } from './encoder-batch.ts'
import { type EncoderSize, firstSite } from './reference-encoder.ts'

const size: EncoderSize = { layerCount: 4, hidden: 16, heads: 4, classes: 3, seed: 5 }
/** Layers with a site; some methods have nothing to learn at the first. */
const layers = [1, 2] as const
const protectedTokens = [0] as const
const lengths = [11, 7, 14, 2]
/** The width of the longest example here. */
const mostTokens = 19
const examples = examplesOf(lengths, size.hidden, 13)
const asBatch = batchOf(examples, 14, 'right-padded', 3)
const exact = { precision: 'float64' } as const

/** The contract of a method that learns, before training. A training shows whether it has a gradient. */
export function trainingChecks(method: Method): readonly { readonly name: string; check(): void }[] {
  return [
    {
      name: 'keeps between none and all of a real token while it learns',
      check() {
        for (const layer of layers) {
          const { softened, kept } = soften(method, layer)
          const [own, obeyed] = evaluate([softened.kept, kept], asBatch.feeds, exact)
          expect(softened.kept.rank, 'axes of kept, [B,N]').toBe(2)
          lengths.forEach((length, row) => {
            for (const share of rowOf(own, row).slice(0, length)) {
              expect(share, `kept of a token of example ${row}, layer ${layer}`).toBeGreaterThanOrEqual(0)
              expect(share, `kept of a token of example ${row}, layer ${layer}`).toBeLessThanOrEqual(1)
            }
            expect(rowOf(obeyed, row)[0], 'kept of a protected token').toBe(1)
          })
        }
      },
    },
    {
      name: 'gives states, attention and losses of the declared shapes while it learns',
      check() {
        for (const layer of layers) {
          const { softened, hidden, scores } = soften(method, layer)
          for (const [name, tensor] of Object.entries(formOf(softened, hidden, scores))) {
            const target = name === 'attend' ? scores : hidden
            const [seen, like] = evaluate([tensor, target], asBatch.feeds, exact)
            expect(seen?.dims, `shape of ${name}`).toEqual(like?.dims)
            lengths.forEach((length, row) => {
              // queries and states of padding do not count
              const numbers = realPart(rowOf(seen, row), seen?.dims ?? [], length, name === 'attend')
              expect(numbers.every(Number.isFinite), `${name} of example ${row} is made of numbers`).toBe(true)
            })
          }
          for (const [name, term] of Object.entries(softened.losses ?? {})) {
            expect(term.rank, `axes of the loss ${name}, [] or [B]`).toBeLessThanOrEqual(1)
          }
          if (softened.logProb !== undefined) expect(softened.logProb.rank, 'axes of logProb, [B]').toBe(1)
        }
      },
    },
    {
      name: 'learns the same from an example alone, padded on either side, and in any batch',
      check() {
        for (const layer of layers) {
          const { softened, kept } = soften(method, layer)
          const perRow = Object.entries({ ...softened.losses, logProb: softened.logProb }).filter(
            (term): term is [string, Tensor] => term[1]?.rank === 1,
          )
          const outputs = [kept, ...perRow.map(([, term]) => term)]
          const names = ['kept', ...perRow.map(([name]) => name)]
          const read = (batch: Batch): readonly (readonly number[])[][] => {
            const results = evaluate(outputs, batch.feeds, exact)
            return batch.positions.map((positions, row) =>
              results.map((result, i) => {
                const numbers = rowOf(result, row)
                return i === 0 ? positions.map((at) => numbers[at] as number) : numbers
              }),
            )
          }
          const expected = read(asBatch)
          const check = (rows: readonly number[], width: number, layout: BatchLayout, how: string): void => {
            const seen = read(
              batchOf(
                rows.map((row) => examples[row] as EncoderExample),
                width,
                layout,
                width,
              ),
            )
            rows.forEach((row, i) => {
              for (const [at, name] of names.entries()) {
                const [some, all] = [seen[i]?.[at] ?? [], expected[row]?.[at] ?? []]
                const isSame = some.every((x, j) => Math.abs(x - (all[j] as number)) <= 1e-9 * (1 + Math.abs(x)))
                expect(isSame, `${name} of example ${row} ${how}, layer ${layer}: ${some} instead of ${all}`).toBe(true)
              }
            })
          }
          lengths.forEach((length, row) => {
            check([row], length, 'right-padded', 'alone')
            check([row], length + 5, 'right-padded', 'alone, padded')
            check([row], length + 5, 'left-padded', 'alone, padded on the left')
          })
          check([2, 0, 3, 1], mostTokens, 'right-padded', 'in another order, padded')
        }
      },
    },
    {
      name: 'turns what it has learned into amounts for the layers that learned',
      check() {
        const learned = new Map<number, Learned>(layers.map((layer) => [layer, valuesAt(method, layer)]))
        const plan = method.training?.harden?.(learned, { layerCount: size.layerCount, lengths })
        for (const [layer, amount] of plan ?? []) {
          expect(layers, 'a layer at which tokens are pruned').toContain(layer)
          expect(amountKinds, `the kind of the amount at layer ${layer}`).toContain(amount.kind)
          expect(amount.value, `the amount at layer ${layer}`).toSatisfy(Number.isFinite)
        }
      },
    },
  ]
}

interface SoftForm extends SoftReduced {
  readonly hidden: Tensor
  /** [B,H,N,N] */
  readonly scores: Tensor
}

/** The soft form at one layer. */
function soften(method: Method, layer: number): SoftForm {
  const { source, state } = firstSite(size, { layer, protectedTokens, site: method.site })
  const { hidden } = source
  const params = Object.fromEntries(
    Object.entries(valuesAt(method, layer)).map(([name, value]) => [name, constantOf(value, () => value.data)]),
  )
  const inputs: SoftInputs = {
    // Random noise would belong to rows of the batch, not to tokens.
    noise: (dims) => expand(constant(0.4), dims, hidden),
    saliency: () => sigmoid(gather(hidden, 0, 2)),
    ratio: () => expand(constant(0.5), ['B'], hidden),
  }
  return { ...softenTokens({ method, source, state, params, inputs }), hidden, scores: source.attention() }
}

function valuesAt(method: Method, layer: number): ReturnType<typeof initialValues> {
  const sizes = { D: size.hidden, H: size.heads, T: mostTokens }
  return initialValues(learnedAt(method, layer), sizes, randomNumbers(layer))
}

/** Stand-ins for values of the model, by name. */
function formOf({ attend, hidden, output }: Softened, states: Tensor, scores: Tensor): Record<string, Tensor> {
  return {
    ...(attend && { attend: attend(scores) }),
    ...(hidden && { hidden }),
    ...(output && { output: output(states, states) }),
  }
}

/** Numbers of the real tokens: of queries [H,N,N], or of states [N,D]. */
function realPart(
  row: readonly number[],
  [, ...dims]: readonly number[],
  length: number,
  isAttention: boolean,
): number[] {
  const [axis, width] = isAttention ? [1, dims[2] as number] : [0, dims[1] as number]
  const tokens = dims[axis] as number
  return row.filter((_, i) => Math.floor(i / width) % tokens < length)
}
