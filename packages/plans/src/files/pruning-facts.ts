import { flopsAtUsualLengths, timesFewer } from '@tp/compare'
import type { Inspection, LeftOutLayers, Plan } from '@tp/compiler'
import type { Amount } from '@tp/core'
import { type ModelFile, maxTokensOf } from '@tp/data'
import type { PrunedModelFile } from './prune-file.ts'

interface EncoderFacts {
  readonly name: string
  readonly layerCount: number
  readonly schedule: readonly (Amount & { readonly layer: number })[]
  /** Layers where tokens are pruned. */
  readonly cuts: readonly number[]
}

interface FlopsFactor {
  readonly tokens: number | string
  readonly dense: number
  readonly pruned: number
  readonly factor: number
}

/** The pruning of a file as a document: the schedule of its first encoder, and of each of several. */
export interface PruningFacts extends Omit<EncoderFacts, 'name'> {
  readonly method: string
  readonly params: NonNullable<Plan['params']>
  readonly encoders?: readonly EncoderFacts[]
  /** Layers that were left out. */
  readonly leftOut?: LeftOutLayers | undefined
  /** How many times fewer FLOPs, where the schedule alone says it. */
  readonly flops: readonly FlopsFactor[]
  readonly quantized?: PrunedModelFile['quantized']
}

/**
 * The pruning of a file, and how each encoder was pruned.
 * @param whole the file as it was read
 * @example
 * const facts = await pruningFacts(file, await pruneModelFile(file, { plan, methods }), plan)
 */
export async function pruningFacts(whole: ModelFile, pruned: PrunedModelFile, plan: Plan): Promise<PruningFacts> {
  const [model] = pruned.inspections
  const encoders = pruned.encoders.map(({ name, layerCount, schedule, cuts }) => ({
    ...{ name, layerCount, schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })) },
    cuts: cuts.map(({ layer }) => layer),
  }))
  const { name: _, ...first } = encoders[0] as EncoderFacts
  return {
    ...{ method: plan.method, params: plan.params ?? {}, ...first, ...(model.encoders.length > 1 && { encoders }) },
    ...(plan.leaveOut?.length && { leftOut: model.leftOut.at(-1) }),
    flops: flopsFactors(whole, model, pruned, await maxTokensOf(whole.path)),
    ...(pruned.quantized && { quantized: pruned.quantized }),
  }
}

/** At lengths that the model takes. */
function flopsFactors(
  file: ModelFile,
  model: Inspection,
  pruned: PrunedModelFile,
  most: number | undefined,
): FlopsFactor[] {
  const now = flopsAtUsualLengths(pruned.model, model, most)
  return flopsAtUsualLengths(file.model, model, most).flatMap(({ tokens, flops: dense }) => {
    const less = now.find((entry) => entry.tokens === tokens)?.flops
    const factor = timesFewer(dense, less)
    return less === undefined || factor === undefined ? [] : [{ tokens, dense, pruned: less, factor }]
  })
}
