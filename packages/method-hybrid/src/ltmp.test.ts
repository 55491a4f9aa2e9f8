import { constant } from '@tp/core'
import { arrayOf } from '@tp/core/testing'
import { test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectLeft, type Left, reduceOnce } from '../test/one-site.ts'
import { vitBlock } from '../test/vit-block.ts'
import { ltmp } from './index.ts'

test.each(['infer', 'infer-keep-all', 'infer-merge-only'])("%s: the authors' blocks", (name) => {
  const golden = goldenCase(`ltmp/${name}`)
  const { merge_thresholds: merges, prune_thresholds: prunes } = golden.params as Record<string, number[]>
  let before: Left | undefined
  merges?.forEach((merge, block) => {
    const dims = [1, before?.hidden.length ?? 0]
    const { site, feedForward } = vitBlock(golden, {
      prefix: `block${block}_`,
      ...(before && {
        x: constant(before.hidden.flat(), 'float32', [...dims, before.hidden[0]?.length ?? 0]),
        size: constant(before.size, 'float32', dims),
      }),
      proportional: true,
    })
    const threshold = prunes?.[block] as number
    const left = reduceOnce(ltmp({ merge }), site, { kind: 'threshold', value: threshold }, feedForward)
    expectLeft(left, arrayOf(golden.outputs, `x_${block}`), arrayOf(golden.outputs, `size_${block}`), { inOrder: true })
    before = left[0]
  })
})
