import { arrayOf, rowsOf, tensorOf } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { asKeys, expectKept, reduceOnce, sizesOf } from '../test/one-site.ts'
import { pitome } from './index.ts'

const cases = [
  'vision-r0.5-half',
  'vision-r0.6-nocls',
  'vision-r0.75-cls',
  'vision-r1-keep-all',
  'text-r0.5-half',
  'text-r0.6-cls-unsized',
  'text-r0.8-cls',
]

test.each(cases)("agrees with the authors' merge: %s", (name) => {
  const { params, inputs, outputs } = goldenCase(`pitome/${name}`)
  const { class_token: classToken, margin, kind } = params as { class_token: boolean; margin: number; kind: string }
  const site = {
    hidden: tensorOf(arrayOf(inputs, 'x')),
    key: asKeys(arrayOf(inputs, 'metric')),
    // as their patch for BERT, this case starts every merge with sizes of 1
    size: name.endsWith('unsized') ? undefined : sizesOf(arrayOf(inputs, 'size')),
    protectedTokens: classToken ? [0] : [],
  }
  const method = pitome({ margin, form: kind as 'vision' | 'text' })
  const removed = outputs.a_idx?.shape[1] ?? 0
  const left = reduceOnce(method, site, { kind: 'remove', value: removed })
  expectKept(left, arrayOf(outputs, 'merged'), arrayOf(outputs, 'merged_size'))
  if (outputs.a_idx === undefined) return
  const first = classToken ? 1 : 0
  rowsOf(outputs.a_idx).forEach((sources, b) => {
    for (const source of sources) expect(left[b]?.position).not.toContain(source + first)
  })
})
