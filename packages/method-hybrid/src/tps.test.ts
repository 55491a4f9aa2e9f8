import { constant, unsqueeze } from '@tp/core'
import { arrayOf, expectClose, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectKept, reduceOnce } from '../test/one-site.ts'
import { tps } from './index.ts'

test.each(['squeeze-infer', 'squeeze-infer-t0.5', 'squeeze-infer-keep-1'])(
  "agrees with the authors' module: %s",
  (name) => {
    const { params, inputs, outputs } = goldenCase(`tps/${name}`)
    const { keep_count: value, temperature } = params as { keep_count: number; temperature: number }
    // theirs has patches only
    const site = {
      hidden: tensorOf(arrayOf(inputs, 'x')),
      classRow: unsqueeze(tensorOf(arrayOf(inputs, 'score')), [1, 2]),
      protectedTokens: [],
    }
    const left = reduceOnce(tps({ temperature }), site, { kind: 'tokens', value })
    expectKept(left, arrayOf(outputs, 'y'))
    expect(left.map(({ position }) => position)).toEqual(rowsOf(arrayOf(outputs, 'keep_idx')).map(sorted))
  },
)

test.each(['squeeze-train', 'squeeze-train-t0.5'])('gives the same with masks on all tokens: %s', (name) => {
  const { params, inputs, outputs } = goldenCase(`tps/${name}`)
  const x = arrayOf(inputs, 'x')
  const [keeps, wasThere] = [rowsOf(arrayOf(inputs, 'keep')), rowsOf(arrayOf(inputs, 'previous'))]
  const width = x.shape[2] as number
  rowsOf(x).forEach((row, b) => {
    const tokens = wasThere[b]?.flatMap((mark, i) => (mark === 1 ? [i] : [])) ?? []
    const vectorOf = (states: readonly number[], i: number): number[] => states.slice(i * width, (i + 1) * width)
    const site = {
      hidden: constant(
        tokens.flatMap((i) => vectorOf(row, i)),
        'float32',
        [1, tokens.length, width],
      ),
      classRow: constant(
        tokens.map((i) => keeps[b]?.[i] as number),
        'float32',
        [1, 1, 1, tokens.length],
      ),
      protectedTokens: [],
    }
    const kept = tokens.filter((i) => keeps[b]?.[i] === 1)
    const method = tps({ temperature: params.temperature as number })
    const [left] = reduceOnce(method, site, { kind: 'tokens', value: kept.length })
    const expected = rowsOf(arrayOf(outputs, 'y'))[b] ?? []
    expect(left?.position.map((i) => tokens[i])).toEqual(kept)
    for (const [i, token] of kept.entries()) {
      expectClose(left?.hidden[i] ?? [], vectorOf(expected, token), `example ${b}, token ${token}`)
    }
  })
})
