import { readFile } from 'node:fs/promises'
import type { NamedTensors } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { openOptimised } from './optimised-session.ts'

test.each(['disabled', 'basic', 'extended'] as const)(
  '%s: the same answers as with all of it',
  async (optimisation) => {
    const file = await readFile(modelPath('mail'))
    const feeds: NamedTensors = {
      input_ids: { type: 'int64', dims: [1, 5], data: BigInt64Array.from([2n, 40n, 7n, 300n, 3n]) },
      attention_mask: { type: 'int64', dims: [1, 5], data: new BigInt64Array(5).fill(1n) },
    }
    await using usual = await nodeRuntime().load(file, { threads: 1 })
    await using session = await openOptimised(file, optimisation)
    const [expected, found] = [await usual.run(feeds), await session.run(feeds)]
    for (const [i, logit] of Array.from(expected.logits?.data as Float32Array).entries()) {
      expect(Number(found.logits?.data[i])).toBeCloseTo(logit, 4)
    }
  },
)
