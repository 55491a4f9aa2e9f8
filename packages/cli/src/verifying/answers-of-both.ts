import type { NamedTensors } from '@tp/core/runtime'
import { boundedProcess, boundsFor } from '../bounded/bounded-runtime.ts'
import { requireFinite, requireFiniteDense, requireSameShapes } from '../model/compare-outputs.ts'
import { inputRoles } from '../model/input-shapes.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { type Answer, answersTo } from './answers.ts'
import { trialsFor } from './trials.ts'

interface ChangedFile {
  readonly source: ModelFile
  /** Where the changed model is. */
  readonly path: string
  /** That it runs in. */
  readonly runtime: 'node' | 'native'
  readonly signal: AbortSignal
}

/**
 * The answers of a model and of one that was made from it to the same examples of unequal lengths: alone, in batches, padded on either
 * side. All outputs of both are finite, and have the same shapes.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function answersOfBoth({
  source,
  path,
  runtime,
  signal,
}: ChangedFile): Promise<{ readonly dense: Answer[]; readonly changed: Answer[] }> {
  const trials = trialsFor(source.model, inputRoles(source.model))
  const bounds = boundsFor(await sizeOfFiles(source))
  await using process = boundedProcess(signal)
  await using before = await process.load(source.path, { runtime: 'node', bounds })
  const runs: NamedTensors[] = []
  const dense = await answersTo(before, trials, {
    signal,
    check: (outputs) => {
      requireFiniteDense(outputs)
      runs.push(outputs)
    },
  })
  await using after = await process.load(path, { runtime, bounds })
  const changed = await answersTo(after, trials, {
    signal,
    check: (outputs, trial) => {
      requireFinite(outputs)
      requireSameShapes(outputs, runs[trial] as NamedTensors)
    },
  })
  return { dense, changed }
}
