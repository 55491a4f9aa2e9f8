import { type Pruned, type PruneOptions, prune } from '@tp/compiler'
import { type Amount, type Method, type Schedule, TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { Shares } from './search.ts'

/** A model with its pruning. @throws TpError with the code of a refusal */
export function pruned(model: Model, method: Method, schedule: Schedule): Pruned {
  const options: PruneOptions = { method, schedule }
  const result = prune(model, options)
  if (!result.ok) throw new TpError(result.refusal.code, 'tune', result.refusal.message)
  return result
}

/** What a block keeps of the tokens that arrive, where any leave. */
export function scheduleOf(sites: readonly number[], shares: Shares): Schedule {
  const amounts = sites.flatMap((site, i): [number, Amount][] => {
    const [before, after] = [shares[i - 1] ?? 1, shares[i] as number]
    return after === before ? [] : [[site, { kind: 'ratio', value: Math.round((10_000 * after) / before) / 10_000 }]]
  })
  return new Map(amounts)
}
