import { type AbortSignalLike, type NamedTensors, pause, type Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'

export interface FitLensProgress {
  readonly stage: 'final states' | 'distances' | 'pruned texts'
  readonly done: number
  readonly total: number
}

export interface Watched {
  readonly inputs: ModelInputs
  readonly onProgress?: (progress: FitLensProgress) => void
  readonly signal?: AbortSignalLike
  /** The batches, by positions of their examples. */
  readonly rows: readonly (readonly number[])[]
}

/** Runs a graph on all batches. */
export async function overBatches(
  stage: FitLensProgress['stage'],
  session: Session,
  { inputs, rows, onProgress, signal }: Watched,
  take: (result: NamedTensors, rows: readonly number[], batch: number) => void,
): Promise<void> {
  const total = inputs.targets.length
  let done = 0
  onProgress?.({ stage, done, total })
  for (const [batch, own] of rows.entries()) {
    await pause(signal, 'train')
    const feeds = await inputs.feeds(own)
    const declared = Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]] as const))
    take(await session.run(declared as NamedTensors), own, batch)
    done += own.length
    onProgress?.({ stage, done, total })
  }
}
