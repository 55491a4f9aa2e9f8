import { gradients } from '@tp/autodiff'
import { input } from '@tp/core'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { policyLoss } from './losses.ts'

test('learns a policy from the advantage of each sample over the mean of its example', async () => {
  const [reward, logProb] = [input('reward', 'float32', [6]), input('logProb', 'float32', [6])]
  const loss = policyLoss(reward, logProb, 3)
  const [slope] = gradients(loss, [logProb])
  if (slope === undefined) throw new Error('no gradient')
  await using session = await nodeRuntime().load(emitModel({ loss, slope }), { threads: 1 })
  const row = (numbers: readonly number[]) => ({
    type: 'float32' as const,
    dims: [6],
    data: Float32Array.from(numbers),
  })
  // Samples of the first example: 1, 3, 5; of the second: 2, 2, 8.
  const logProbs = [-1, -2, -3, -4, -5, -6]
  const outputs = await session.run({ reward: row([1, 2, 3, 2, 5, 8]), logProb: row(logProbs) })
  const advantages = [-2, -2, 0, -2, 2, 4]
  expect(Array.from(outputs.slope?.data ?? [], Number)).toEqual(
    advantages.map((value) => expect.closeTo(-value / 6, 6)),
  )
  const mean = advantages.reduce((sum, value, i) => sum + value * (logProbs[i] as number), 0) / 6
  expect(Number(outputs.loss?.data[0])).toBeCloseTo(-mean, 5)
})
