import { expect, test } from 'vitest'
import { describePruning, type PrintedPruning } from './pruned-report.ts'

const verification = { examples: 9, lengths: [1, 16], arrangements: [], difference: 0 } as const
const report = {
  ...{ out: 'p.onnx', method: 'none', params: {}, layerCount: 6, schedule: [], cuts: [] },
  ...{ bytes: 1, dataFiles: [], notes: [], milliseconds: 1, verification },
  flops: [{ tokens: 32, dense: 12, pruned: 10, factor: 1.2 }],
  speed: { value: 1.2, low: 1.1, high: 1.3 },
} as unknown as PrintedPruning & { readonly out: string }
const textOf = (more: object): string => describePruning({ ...report, ...more }, { encoders: [] } as never, undefined)

test('calls the outputs exact where no tokens are pruned, but not where 8 bits round them', () => {
  expect(textOf({})).toContain('exact: the outputs are the dense ones')
  const { difference: _, ...others } = verification
  for (const more of [{ verification: { ...others, rounding: 0.11 } }, { quantized: {} }]) {
    expect(textOf(more)).not.toContain('exact')
    expect(textOf(more)).toContain('one thread; no token that is read is pruned; 8 bits round the outputs')
  }
})

test('counts no FLOPs where their sizes are not known', () => {
  expect(textOf({ flops: [] })).toContain('FLOPs depend on the data, or on sizes that are not known')
})
