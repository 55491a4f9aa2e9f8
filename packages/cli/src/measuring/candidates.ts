import { flopsOf, type InputSizes } from '@tp/compare'
import type { Runtime, Session, SessionOptions } from '@tp/core/runtime'
import { loadSession } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { inspectFile } from '../pruning/prune-file.ts'
import { pruneVariants, type VariantOptions } from './variants.ts'

/** A model that takes part in `tp bench`. */
export interface BenchCandidate {
  readonly name: string
  readonly model: Model
  /** Whether `--min-speedup` is about it. */
  readonly judged: boolean
  /** How many times fewer FLOPs than the model that it was made from. */
  readonly flops?: (shape: InputSizes) => number | undefined
  load(options: SessionOptions & { signal: AbortSignal }): Promise<Session>
}

/** A model pruned with several methods, `none` first. */
export async function pruneCandidates(
  options: VariantOptions & { readonly runtime: Runtime },
): Promise<BenchCandidate[]> {
  const { file, compared, settings, runtime } = options
  const inspection = inspectFile(file, settings.encoder)
  const dense = flopsOf(file.model, inspection)
  const variants = await pruneVariants(options)
  return variants.map(({ method, keep, plain: { model } }) => {
    const pruned = flopsOf(model, inspection)
    return {
      name: [method, keep].join(' ').trim(),
      model,
      judged: method !== 'none' || compared.entries.length === 0,
      flops: (shape) => ratio(dense(shape), pruned(shape)),
      load: (session) => loadSession(runtime, model, file, session),
    }
  })
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b
}
