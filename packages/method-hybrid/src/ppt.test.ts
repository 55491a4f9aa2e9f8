import { arrayOf } from '@tp/core/testing'
import { test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectKept, reduceOnce, sizesOf } from '../test/one-site.ts'
import { vitLayer } from '../test/vit-layer.ts'
import { ppt } from './index.ts'

test.each(['all-pooled', 'all-pruned', 'mixed-batch', 'r-more-than-half'])(
  "agrees with the authors' layer: %s",
  (name) => {
    const golden = goldenCase(`ppt/${name}`)
    const { r, variance_threshold: variance } = golden.params as { r: number; variance_threshold: number }
    const size = golden.inputs.size && sizesOf(golden.inputs.size)
    const { site, feedForward } = vitLayer(golden, { size, proportional: true })
    const left = reduceOnce(ppt({ variance }), site, { kind: 'remove', value: r }, feedForward)
    expectKept(left, arrayOf(golden.outputs, 'y'), arrayOf(golden.outputs, 'size_out'))
  },
)
