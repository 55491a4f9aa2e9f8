import { prune, TRACE, transform } from '@tp/compiler'
import type { Method } from '@tp/core'
import { throwIfAborted } from '@tp/core/runtime'
import type { SpeechInputs } from '@tp/data'
import { loadModel } from '../load-model.ts'
import type { SpeechOptions } from './options.ts'

/** Pairs are nearer than this; what has no partner is farther. */
const FARTHEST = 2

/** Less than any distance: nothing is merged while distances are measured. */
const NOTHING = -1

/**
 * How far tokens are from those that they would be merged with at a layer, of all tokens of some recordings, the nearest first, and how many tokens
 * there are.
 */
export async function measuredDistances(
  options: Pick<SpeechOptions, 'model' | 'runtime' | 'load' | 'signal'>,
  method: Method,
  layer: number,
  inputs: SpeechInputs,
): Promise<{ readonly distances: readonly number[]; readonly tokens: number }> {
  const { model, runtime, signal } = options
  const schedule = new Map([[layer, { kind: 'threshold', value: NOTHING } as const]])
  const own = transform(model, prune({ method, schedule, trace: 'scores', restore: 'none' })).model
  await using session = await loadModel(options, runtime, own)
  const distances: number[] = []
  let tokens = 0
  for (const position of inputs.texts.keys()) {
    throwIfAborted(signal, 'optimize')
    const outputs = await session.run(await inputs.feeds([position]), signal === undefined ? {} : { signal })
    const scores = Array.from(outputs[`${TRACE}.${layer}.scores`]?.data as Float32Array)
    tokens += scores.length
    for (const score of scores) if (score <= FARTHEST) distances.push(score)
  }
  return { distances: distances.sort((a, b) => a - b), tokens }
}

/** The threshold by which about a share of all tokens is merged; undefined where fewer have a partner. */
export function thresholdFor(
  share: number,
  { distances, tokens }: { readonly distances: readonly number[]; readonly tokens: number },
): number | undefined {
  const distance = distances[Math.floor(share * tokens)]
  return distance === undefined ? undefined : Number(distance.toPrecision(3))
}
