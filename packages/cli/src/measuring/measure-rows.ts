import { compareVariants, TIMING_MS, type VariantToCompare } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { ModelFile, TaskData } from '@tp/data'
import { loadSession } from '@tp/data/files'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../context/context.ts'
import { evaluation, timing } from '../printing/expected-stages.ts'
import { originalName } from '../printing/made-from.ts'
import type { ResultRow } from '../printing/rows.ts'
import type { PrunedVariant } from './variants.ts'

interface RowsToMeasure {
  readonly file: ModelFile
  /** For a pruned model. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly PrunedVariant[]
  readonly data: TaskData
  readonly batchSize: number
}

/** The rows of `tp eval`: the original file, then its variants. */
export async function measureRows(
  { file, inspection, variants, data, batchSize }: RowsToMeasure,
  { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS, timedExamples }: Context,
): Promise<ResultRow[]> {
  const names = [{ method: originalName(file), keep: '', models: [file] }, ...variants]
  const examples = data.inputs.targets.length
  progress.expect?.([
    ...names.map(({ models }) => evaluation(models.length * examples)),
    timing(examples, data.task === 'asr' ? 2 * timingMs : timingMs),
  ])
  const options = { threads: 1, signal }
  const compared = variants.map(({ plain, models }): VariantToCompare => {
    const { model, encoders } = plain
    return {
      ...{ model, layerCount: encoders[0]?.layerCount },
      open: () => loadSession(runtime, model, file, options),
      traced: models.map(
        (prune) => async () => loadSession(runtime, (await prune({ trace: true })).model, file, options),
      ),
    }
  })
  const dense = { model: file.model, open: () => runtime.load(file.path, { threads: 1, signal }) }
  const rows = await compareVariants(
    { dense, inspection, variants: compared, data },
    {
      ...{ batchSize, timingMs, timedExamples, signal },
      onStage(stage) {
        const { method = '', keep } = names[stage === 'dense' ? 0 : Number(stage) + 1] ?? {}
        progress.stage(stage === 'times' ? 'timing' : `evaluating ${[method, keep].join(' ').trim()}`)
      },
      onProgress: (done, total) => progress.step(done, total),
    },
  )
  return rows.map((row, i) => {
    const { method, keep, models } = names[i] as (typeof names)[0]
    return { method, keep, seeds: models.length, ...row }
  })
}
