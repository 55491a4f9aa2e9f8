import { inputRoles } from '@tp/compare'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { flopsOf } from '../model/flops.ts'

/** How many times fewer FLOPs a pruned model takes for all examples, one by one; undefined where the data decide. */
export function flopsSpeedup(dense: Model, pruned: Model, { lengths, targets }: ModelInputs): number | undefined {
  const roles = inputRoles(dense)
  const batch = typeof roles.batch === 'number' ? roles.batch : 1
  const [before, after] = [flopsOf(dense, roles), flopsOf(pruned, roles)]
  const counts = new Map<number | undefined, number>()
  for (const length of lengths ?? targets.map(() => undefined)) counts.set(length, (counts.get(length) ?? 0) + 1)
  let [denseTotal, prunedTotal] = [0, 0]
  for (const [tokens, count] of counts) {
    const [all, few] = [before({ batch, tokens }), after({ batch, tokens })]
    if (all === undefined || few === undefined) return undefined
    denseTotal += count * all
    prunedTotal += count * few
  }
  return denseTotal / prunedTotal
}
