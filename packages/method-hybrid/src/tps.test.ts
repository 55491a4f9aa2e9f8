import { unsqueeze } from '@tp/core'
import { expect, test } from 'vitest'
import { arrayOf, goldenCase, rowsOf, sorted, tensorOf } from '../test/golden.ts'
import { expectLeft, reduceOnce } from '../test/one-site.ts'
import { tps } from './index.ts'

test.each(['squeeze-infer', 'squeeze-infer-t0.5', 'squeeze-infer-keep-1'])("%s: the authors' module", (name) => {
  const { params, inputs, outputs } = goldenCase(`tps/${name}`)
  const { keep_count: value, temperature } = params as { keep_count: number; temperature: number }
  // theirs has patches only
  const site = {
    hidden: tensorOf(arrayOf(inputs, 'x')),
    classRow: unsqueeze(tensorOf(arrayOf(inputs, 'score')), [1, 2]),
    fixed: [],
  }
  const left = reduceOnce(tps({ temperature }), site, { kind: 'tokens', value })
  expectLeft(left, arrayOf(outputs, 'y'))
  expect(left.map(({ position }) => position)).toEqual(rowsOf(arrayOf(outputs, 'keep_idx')).map(sorted))
})
