import { arrayOf, rowsOf, sorted } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectKept, reduceOnce } from '../test/one-site.ts'
import { vitLayer } from '../test/vit-layer.ts'
import { evit } from './index.ts'

const cases = ['k0.6-fuse-grad', 'k0.7-fuse', 'k1-keep-all', 'tokens-all-but-one', 'tokens1-fuse']

test.each(cases)("agrees with the authors' layer: %s", (name) => {
  const golden = goldenCase(`evit/${name}`)
  const { site, feedForward } = vitLayer(golden)
  const patches = golden.outputs.keep_idx?.shape[1] ?? (site.hidden.dims[1] as number) - 1
  const left = reduceOnce(evit(), site, { kind: 'tokens', value: patches + 1 }, feedForward)
  expectKept(left, arrayOf(golden.outputs, 'y'))
  if (golden.outputs.keep_idx === undefined) return
  // theirs counts patches, and has the fused token, which here is at the position of the best pruned one, at the end
  rowsOf(golden.outputs.keep_idx).forEach((kept, b) => {
    const positions = kept.map((i) => i + 1)
    expect(sorted(left[b]?.position ?? [])).toEqual(expect.arrayContaining([0, ...positions]))
  })
})
