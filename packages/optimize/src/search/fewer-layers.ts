import { lossOf } from '../judging/loss.ts'
import type { Candidate } from './candidate.ts'
import { unprunedVariant } from './candidate.ts'
import type { AloneEffect } from './forms.ts'
import { firstThatHolds } from './frontier.ts'
import type { Leavable } from './leavable.ts'
import type { Search, Tests } from './search.ts'
import { timesInTurns } from './times.ts'

/** The effect of leaving layers out of a model whose tokens are not pruned. */
export interface LeftOut extends AloneEffect {
  /** As many as may be; if none may, the one whose absence moves the answers least. */
  readonly layers: readonly number[]
}

/** The effect, and the model without those layers where they are not needed. */
export interface FewerLayers {
  readonly about: LeftOut
  readonly base: Candidate | undefined
}

/**
 * Tries the rival of pruning: the model with every token, and fewer layers. Layers are in the order of how far the answers move without
 * each, on a few examples and without labels; as many of the first ones are left out as hold.
 * @param base the model with all layers
 */
export async function withFewerLayers(
  search: Search,
  base: Candidate,
  { layers, most }: Leavable,
  tests: Tests,
): Promise<FewerLayers | undefined> {
  const { judge, timing } = search
  const { measurer } = timing
  const { variant } = base
  const without = (leaveOut: readonly number[]): Omit<Candidate, 'pace'> => {
    const own = { leaveOut: leaveOut.toSorted((a, b) => a - b) }
    return { variant: unprunedVariant({ ...variant, ...own }), shares: [] }
  }
  measurer.begin('search', layers.length + 3)
  const moved: { readonly layer: number; readonly divergence: number }[] = []
  for (const layer of layers) {
    if (measurer.isLate()) return undefined
    moved.push({ layer, divergence: await judge.divergence(without([layer])) })
  }
  const order = moved.sort((a, b) => a.divergence - b.divergence).map(({ layer }) => layer)
  const [speed] = await timesInTurns(timing, base, [without(order.slice(0, most))])
  const saved = (1 - 1 / (speed?.value ?? 1)) / most
  const candidates = Array.from({ length: most }, (_, i) => {
    const count = most - i
    return { ...without(order.slice(0, count)), pace: base.pace * (1 - count * saved) }
  })
  const place = await firstThatHolds(candidates, (candidate) => tests.holds(candidate), most - 1)
  const shown = candidates[Math.min(place, most - 1)] as Candidate
  const leaveOut = shown.variant.leaveOut ?? []
  const { expected } = lossOf(await judge.losses(shown))
  const about = { layers: leaveOut, speedup: 1 / shown.pace, loss: expected, holds: place < most }
  return { about, base: about.holds ? shown : undefined }
}
