import { availableParallelism } from 'node:os'
import type { Runtime } from '@tp/core/runtime'
import { type Evaluation, evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'

/** At most so many models at once, whatever the machine has: each holds its weights. */
const MOST = 4

/** Runs tasks side by side, as many as there are processors; results in the order of the tasks. */
export async function inParallel<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results = new Array<T>(tasks.length)
  let next = 0
  async function work(): Promise<void> {
    while (next < tasks.length) {
      const i = next++
      results[i] = await (tasks[i] as () => Promise<T>)()
    }
  }
  await Promise.all(Array.from({ length: Math.min(MOST, availableParallelism()) }, work))
  return results
}

/**
 * All examples through a model that has a thread of its own. Texts go two by two: of long ones more fall out of the
 * processor's cache (8 together take 1.2 times as long as 8 alone).
 */
export async function evaluateFile(runtime: Runtime, file: Uint8Array, inputs: ModelInputs): Promise<Evaluation> {
  await using session = await runtime.load(file, { threads: 1, worker: true })
  return await evaluate(session, inputs, { batchSize: inputs.lengths === undefined ? 8 : 2 })
}
