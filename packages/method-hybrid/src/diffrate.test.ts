import { arrayOf } from '@tp/core/testing'
import { test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectLeft, reduceOnce, sizesOf } from '../test/one-site.ts'
import { vitBlock } from '../test/vit-block.ts'
import { diffrate } from './index.ts'

const cases = ['keep-all', 'merge-only', 'merge-to-two', 'prune-merge', 'prune-only']

test.each(cases)("infer-%s: the authors' block", (name) => {
  const golden = goldenCase(`diffrate/infer-${name}`)
  const { prune_kept: unpruned, merge_kept: unmerged } = golden.params as { prune_kept: number; merge_kept: number }
  const { site, feedForward } = vitBlock(golden, { size: sizesOf(arrayOf(golden.inputs, 'size')), proportional: true })
  const tokens = site.hidden.dims[1] as number
  const kept = Math.min(unpruned, unmerged)
  const pruned = kept === tokens ? 0 : (tokens - unpruned) / (tokens - kept)
  const left = reduceOnce(diffrate({ pruned }), site, { kind: 'tokens', value: kept }, feedForward)
  expectLeft(left, arrayOf(golden.outputs, 'y'), arrayOf(golden.outputs, 'size_out'))
})
