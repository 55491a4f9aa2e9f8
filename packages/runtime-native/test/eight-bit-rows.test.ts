// RoundRows, ScaleRows and RescaleRows, with each set of instructions: against the same numbers in double precision.
import type { NamedTensors, Runtime, TensorLike } from '@tp/core/runtime'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { runtimeWith } from './instructions.ts'
import { describeNative } from './native.ts'
import { operatorModel } from './operator-model.mjs'

const signed = { steps: 127, zero: 128, least: 0 }
/** After a GELU. */
const bounded = { steps: 235, zero: 20, least: 2 }

const rounding = (attributes: object): Uint8Array =>
  operatorModel('RoundRows', { x: ['float32', 2] }, { rounded: ['uint8', 2], scale: ['float32', 2] }, { ...attributes })

function scaling(terms: readonly string[], gelu: number): Uint8Array {
  const declared = (name: string, rank: number): ['float32', number] | null =>
    terms.includes(name) ? ['float32', rank] : null
  return operatorModel(
    'ScaleRows',
    {
      x: ['float32', 2],
      scale: ['float32', 2],
      bias: declared('bias', 1),
      gain: declared('gain', 1),
      residual: declared('residual', 2),
    },
    { y: ['float32', 2] },
    { gelu },
  )
}

/** Of all outputs, or those of rounding alone. */
function rescaling(terms: readonly string[], gelu: number, isAllRead = true): Uint8Array {
  const declared = (name: string, rank: number): ['float32', number] | null =>
    terms.includes(name) ? ['float32', rank] : null
  return operatorModel(
    'RescaleRows',
    {
      x: ['float32', 2],
      scale: declared('scale', 2),
      bias: declared('bias', 1),
      gain: declared('gain', 1),
      residual: declared('residual', 2),
      normGain: declared('normGain', 1),
      normBias: declared('normBias', 1),
    },
    {
      rounded: ['uint8', 2],
      roundedScale: ['float32', 2],
      ...(isAllRead && { scaled: ['float32', 2], normed: ['float32', 2] }),
    },
    { gelu, epsilon: 1e-3, ...signed },
  )
}

function float32(dims: readonly number[], at: (i: number) => number): TensorLike {
  return {
    type: 'float32',
    dims,
    data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => at(i)),
  }
}

/** Error function by its series, which converges everywhere. */
function erf(x: number): number {
  let [sum, term] = [0, x]
  for (let n = 0; n < 200; n++) {
    sum += term / (2 * n + 1)
    term *= (-x * x) / (n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

function normalized({ data, dims }: TensorLike, gain: TensorLike, bias: TensorLike): number[] {
  const width = dims[1] as number
  return Array.from(data as Float32Array, (value, i) => {
    const row = Array.from(data.slice(i - (i % width), i - (i % width) + width) as Float32Array)
    const mean = row.reduce((a, b) => a + b, 0) / width
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / width
    const [own, shift] = [gain, bias].map((each) => Number(each.data[i % width])) as [number, number]
    return ((value - mean) / Math.sqrt(variance + 1e-3)) * own + shift
  })
}

const seeds = fc.integer({ min: 1, max: 1000 })
/** Sizes around those of registers. */
const widths = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(128, 129, 383))

describeNative('rows of 8 bits', () => {
  describe.each(['baseline', 'avx2', 'avx512'])('on %s', (instructions) => {
    let runtime: Runtime | undefined
    beforeAll(async () => {
      runtime = await runtimeWith(instructions)
    })
    beforeEach((context) => {
      if (runtime === undefined) context.skip('this processor does not have these instructions')
    })
    afterAll(() => vi.resetModules())

    const run = async (model: Uint8Array, feeds: NamedTensors): Promise<NamedTensors> => {
      await using session = await (runtime as Runtime).load(model, { threads: 2 })
      return await session.run(feeds)
    }

    test.each([
      ['of either sign', signed, (i: number) => Math.sin(i * i) * (1 + (i % 7))],
      ['after a GELU', bounded, (i: number) => Math.max(-0.17, Math.sin(i * i) * 3)],
      ['after a GELU, small', bounded, (i: number) => Math.max(-0.17, Math.sin(i * i))],
    ])('rounds numbers %s to the nearest of 256', async (_, attributes, at) => {
      await fc.assert(
        fc.asyncProperty(seeds, widths, async (seed, width) => {
          const x = float32([3, width], (i) => at(i + seed))
          const { rounded, scale } = await run(rounding(attributes), { x })
          for (const row of [0, 1, 2]) {
            const own = Array.from(x.data.slice(row * width, (row + 1) * width) as Float32Array)
            const largest = Math.max(attributes.least, ...own.map(Math.abs))
            expect(scale?.data[row]).toBe(Math.fround(largest))
            for (const [i, value] of own.entries()) {
              const exact = (attributes.steps * value) / largest + attributes.zero
              expect(Math.abs(Number(rounded?.data[row * width + i]) - exact)).toBeLessThan(0.5001)
            }
          }
        }),
        { numRuns: 10 },
      )
    })

    test('gives a row the same bytes whatever rows are next to it, and none that is not a number', async () => {
      const at = (i: number): number => Math.cos(i * i)
      const alone = await run(rounding(signed), { x: float32([1, 37], at) })
      const three = float32([3, 37], (i) => (i < 37 ? at(i) : i < 74 ? 0 : 1e30 * i))
      const among = await run(rounding(signed), { x: three })
      expect(among.rounded?.data.slice(0, 37)).toEqual(alone.rounded?.data)
      expect([among.scale?.data[0], among.scale?.data[1]]).toEqual([alone.scale?.data[0], 0])
      const spoilt = await run(rounding(signed), { x: float32([2, 37], (i) => (i === 3 ? Number.NaN : at(i))) })
      expect(Array.from(spoilt.scale?.data as Float32Array).map(Number.isNaN)).toEqual([true, false])
    })

    test.each([
      [0, []],
      [0, ['bias']],
      [0, ['bias', 'gain', 'residual']],
      [0, ['residual']],
      [1, ['bias']],
      [1, ['gain', 'residual']],
    ])('scales rows: gelu %i, terms %j', async (gelu, terms) => {
      await fc.assert(
        fc.asyncProperty(seeds, widths, async (seed, width) => {
          const all: Record<string, TensorLike> = {
            bias: float32([width], (i) => Math.cos(i + seed)),
            gain: float32([width], (i) => Math.cos(3 * i + seed)),
            residual: float32([2, width], (i) => Math.cos(5 * i + seed)),
          }
          const feeds: Record<string, TensorLike> = {
            x: float32([2, width], (i) => Math.sin(i * seed) * 4),
            scale: float32([2, 1], (i) => 0.5 + i),
          }
          for (const name of terms) feeds[name] = all[name] as TensorLike
          const { y } = await run(scaling(terms, gelu), feeds)
          const term = (name: string, i: number, otherwise: number): number => Number(feeds[name]?.data[i] ?? otherwise)
          for (let i = 0; i < 2 * width; i++) {
            const scaled = term('x', i, 0) * term('scale', Math.floor(i / width), 0) + term('bias', i % width, 0)
            const active = gelu === 1 ? (scaled * (1 + erf(scaled / Math.SQRT2))) / 2 : scaled
            const expected = active * term('gain', i % width, 1) + term('residual', i, 0)
            expect(Math.abs(Number(y?.data[i]) - expected)).toBeLessThan(2e-6)
          }
        }),
        { numRuns: 10 },
      )
    })

    test('takes a GELU of what is large, infinite or no number', async () => {
      const inputs = [1e30, -1e30, Number.POSITIVE_INFINITY, Number.NaN, 0]
      const feeds = { x: float32([1, 5], (i) => inputs[i] as number), scale: float32([1, 1], () => 1) }
      const { y } = await run(scaling([], 1), feeds)
      expect(Array.from(y?.data as Float32Array, (value) => value + 0)).toEqual([
        Math.fround(1e30),
        0,
        Number.POSITIVE_INFINITY,
        Number.NaN,
        0,
      ])
    })

    test.each([
      [1, ['scale', 'bias']],
      [0, ['scale', 'bias', 'gain', 'residual', 'normGain', 'normBias']],
      [0, ['normGain', 'normBias']],
    ])('scales, normalizes and rounds rows as one operator after another: gelu %i, terms %j', async (gelu, terms) => {
      await fc.assert(
        fc.asyncProperty(seeds, widths, async (seed, width) => {
          const all: Record<string, TensorLike> = {
            scale: float32([2, 1], (i) => 0.5 + i),
            residual: float32([2, width], (i) => Math.cos(5 * i + seed)),
            ...Object.fromEntries(
              ['bias', 'gain', 'normGain', 'normBias'].map((name, k) => [
                name,
                float32([width], (i) => Math.cos((k + 2) * i + seed)),
              ]),
            ),
          }
          const x = float32([2, width], (i) => Math.sin(i * seed) * 4)
          const feeds: Record<string, TensorLike> = { x }
          for (const name of terms) feeds[name] = all[name] as TensorLike
          const seen = await run(rescaling(terms, gelu), feeds)
          const { normGain, normBias, ...ofScaling } = feeds
          const scaled = terms.includes('scale') ? (await run(scaling(terms, gelu), ofScaling)).y : x
          expect(seen.scaled?.data).toEqual(scaled?.data)
          const normed = normGain && normBias ? normalized(scaled as TensorLike, normGain, normBias) : scaled?.data
          for (const [i, value] of Array.from(seen.normed?.data as Float32Array).entries())
            expect(Math.abs(value - Number(normed?.[i]))).toBeLessThan(3e-5)
          const after = await run(rounding(signed), { x: seen.normed as TensorLike })
          expect(seen.rounded?.data).toEqual(after.rounded?.data)
          expect(seen.roundedScale?.data).toEqual(after.scale?.data)
          const fewer = await run(rescaling(terms, gelu, false), feeds)
          expect(fewer.rounded?.data).toEqual(seen.rounded?.data)
        }),
        { numRuns: 6 },
      )
    })

    test('refuses half of a norm, and terms without a scale', async () => {
      const x = float32([2, 4], (i) => i)
      const column = float32([4], () => 1)
      await expect(run(rescaling(['normGain'], 0), { x, normGain: column })).rejects.toMatchObject({
        message: expect.stringMatching(/normGain and normBias go together/),
      })
      await expect(run(rescaling(['bias'], 0), { x, bias: column })).rejects.toMatchObject({
        message: expect.stringMatching(/without a scale there are no GELU, bias, gain and residual/),
      })
    })

    test.each([
      ['a scale too few', { scale: float32([1, 1], () => 1) }, /one number for each row/],
      ['a bias of other columns', { bias: float32([3], () => 1) }, /bias has to have one number for each column/],
      [
        'a residual that would be repeated',
        { residual: float32([1, 4], () => 1) },
        /residual has to have the sizes of x/,
      ],
    ])('refuses %s', async (_, wrong, message) => {
      const right = { x: float32([2, 4], (i) => i), scale: float32([2, 1], () => 1) }
      const all = { ...right, bias: float32([4], () => 1), residual: float32([2, 4], () => 1), ...wrong }
      await expect(run(scaling(['bias', 'residual'], 0), all)).rejects.toMatchObject({
        code: 'TP_RUN',
        message: expect.stringMatching(message),
      })
    })
  })
})
