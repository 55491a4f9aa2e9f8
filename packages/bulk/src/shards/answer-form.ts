import { isTpError } from '@tp/core'
import type { AbortSignalLike, AnswerForm } from '@tp/core/runtime'
import { readRows, type TextRow } from '../input/read-rows.ts'
import type { ComputeSpec } from '../model/compute-spec.ts'
import type { BulkModel } from '../model/open-model.ts'
import type { Shard } from './shard.ts'

/** Rows whose answers decide. */
const DECIDING = 256

/**
 * The form of the numbers of classes in all answers of a run, before any shard is computed: by the model's graph, by the cascade, or by the
 * answers for the first rows where neither says it. So it does not matter how rows are divided, nor who computes them when. Shards are
 * named by it, too, so a run that is resumed has the same one.
 * @throws TpError those of `BulkModel.formFor`
 */
export async function answerFormOf(
  shards: readonly Shard[],
  model: BulkModel,
  compute: ComputeSpec,
  { data, signal }: { readonly data: string; readonly signal?: AbortSignalLike | undefined },
): Promise<AnswerForm | null> {
  const { task, plan, guard } = compute
  if (task !== 'classification' && task !== 'multi-label') return null
  const known = model.files.answerForm ?? guard?.answerForm ?? plan?.cascade?.answerForm
  if (known !== undefined) return known
  const rows: TextRow[] = []
  for (const shard of shards) {
    if (rows.length >= DECIDING) break
    rows.push(...(await readable(shard)))
  }
  if (rows.length === 0) return 'logits'
  return await model.formFor(rows.slice(0, DECIDING), data, compute, { signal })
}

/** The rows of a shard; none where some are invalid, which fails when the shard is computed. */
async function readable({ spec, location }: Shard): Promise<readonly TextRow[]> {
  try {
    return await readRows(spec.rows, location)
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_DATA') return []
    throw error
  }
}
