import { prune, soften, transform } from '@tp/compiler'
import { constant, div, type Method, none, type Schedule, sum } from '@tp/core'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { mail, mailLessons } from '../test/lessons.ts'
import { firstTokens } from '../test/methods.ts'
import { shareOf, softCost } from './cost.ts'
import { examplesFlops } from './examples-flops.ts'

const counts = new Map([
  [1, 20],
  [3, 6],
])

/** Share of the FLOPs, and of the tokens, that the soft form says of a batch. */
async function softShare(method: Method): Promise<{ share: number; kept: number; lengths: readonly number[] }> {
  const params = () => ({ unused: constant([0]) })
  const soft = soften(mail, { method, layers: [...counts.keys()], params })
  const cost = softCost(soft)
  const kept = div(sum(cost.kept, [0]), sum(cost.tokens, [0]))
  const { inputs } = await mailLessons(8, 40)
  const rows = Array.from({ length: 8 }, (_, i) => i)
  await using session = await nodeRuntime().load(emitModel({ share: shareOf(cost), kept }), { threads: 1 })
  const feeds = await inputs.feeds(rows)
  const needed = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]]))
  const outputs = await session.run(needed as typeof feeds)
  const number = (name: string): number => Number(outputs[name]?.data[0])
  return { share: number('share'), kept: number('kept'), lengths: inputs.lengths as readonly number[] }
}

/** The same of the model that really is pruned, by the formula of its graph. */
function prunedShare(method: Method, lengths: readonly number[]): number {
  const schedule: Schedule = new Map([...counts].map(([layer, value]) => [layer, { kind: 'tokens', value }]))
  const [dense, pruned] = [
    { method: none(), schedule: new Map() },
    { method, schedule },
  ].map((options) => {
    const result = transform(mail, prune({ ...options, deadTokens: false }))
    return examplesFlops(result.model, lengths)
  }) as [number, number]
  return pruned / dense
}

test('the cost is that of the graph where each token is kept or pruned entirely', async () => {
  const method = firstTokens(counts, 'input')
  const { share, lengths } = await softShare(method)
  // The graph also has norms, activations, softmax, pooler and the selection itself, which the products of matrices that
  // the soft form counts do not include: a hundredth of the whole.
  expect(Math.abs(share - prunedShare(method, lengths))).toBeLessThan(0.015)
})

test('averages the kept fraction over the layers', async () => {
  const { kept, lengths } = await softShare(firstTokens(counts, 'attention'))
  const left = (length: number): number => {
    const [first, second] = [Math.min(length, 20), Math.min(length, 6)]
    return length + first + first + second + second + second
  }
  const total = (of: (length: number) => number): number => lengths.reduce((sum, length) => sum + of(length), 0)
  expect(kept).toBeCloseTo(total(left) / (6 * total((length) => length)), 5)
})
