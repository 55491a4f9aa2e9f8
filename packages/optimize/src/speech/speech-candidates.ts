import type { Inspection, Plan } from '@tp/compiler'
import type { NamedVariant } from '../search/candidate.ts'
import { measuredDistances, thresholdFor } from './distances.ts'
import type { SpeechOptions } from './options.ts'

/** One way to prune an encoder of speech. */
export interface SpeechCandidate {
  /** `stride: keep 0.6 at layer 0` */
  readonly name: string
  readonly plan: Plan
}

/** Shares of the tokens that are kept, the gentlest first. */
const KEEP = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]

/** Shares of the tokens that are merged, where thresholds are suggested. */
const MERGED = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]

/** Recordings that distances are measured on. */
export const MEASURED = 6

/**
 * A method at rising strengths. One that decides by itself how many tokens are kept has one; of one that merges what is nearer than a threshold these are the
 * thresholds by which such shares of the tokens would be merged, after a third of the layers, where keys are about more than a frame; of the others keep ratios at the first
 * layer, so that all layers have fewer tokens. The decoder weighs what is kept as the encoder does where it has that form; else pruned positions are
 * restored, each as its nearest kept neighbor.
 */
export async function strengthsOf(
  { entry, params, method, name }: NamedVariant,
  { layers, open }: Inspection,
  options: SpeechOptions,
): Promise<SpeechCandidate[]> {
  const weighed = options.decoder.weighing !== undefined && { restore: 'weighed' as const }
  const common = { format: 1, method: entry.name, ...(params && { params }), ...weighed } as const
  if (method.unscheduled) return [{ name, plan: common }]
  if (!method.signed) {
    return KEEP.map((keep) => ({
      name: `${name}: keep ${keep} at layer ${open}`,
      plan: { ...common, layers: [open], keep: [keep] },
    }))
  }
  const layer = Math.max(open, Math.floor(layers.length / 3))
  const measured = await measuredDistances(options, method, layer, options.inputs)
  const thresholds = MERGED.flatMap((share) => thresholdFor(share, measured) ?? [])
  return [...new Set(thresholds)].map((threshold) => ({
    name: `${name}: threshold ${threshold} at layer ${layer}`,
    plan: { ...common, layers: [layer], threshold: [threshold] },
  }))
}
