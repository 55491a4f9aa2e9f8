import type { NamedTensors } from '@tp/core/runtime'
import { boundedProcess, boundsFor } from '../bounded/bounded-runtime.ts'
import { requireFinite, requireFiniteDense, requireSameShapes } from '../model/compare-outputs.ts'
import { inputRoles } from '../model/input-shapes.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { answersTo } from '../verifying/answers.ts'
import { type Comparison, compareAnswers } from '../verifying/compare-answers.ts'
import { trialsFor } from '../verifying/trials.ts'

/**
 * Runs a packed model and the one it was made from on the same examples of unequal lengths: alone, in batches, padded on either side.
 * @throws TpError TP_VERIFY, TP_DENSE where the model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPacked(file: ModelFile, packed: string, signal: AbortSignal): Promise<Comparison> {
  const trials = trialsFor(file.model, inputRoles(file.model))
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using padded = await process.load(file.path, { runtime: 'node', bounds })
  const runs: NamedTensors[] = []
  const expected = await answersTo(padded, trials, {
    signal,
    check: (outputs) => {
      requireFiniteDense(outputs)
      runs.push(outputs)
    },
  })
  await using session = await process.load(packed, { runtime: 'native', bounds })
  const seen = await answersTo(session, trials, {
    signal,
    check: (outputs, trial) => {
      requireFinite(outputs)
      requireSameShapes(outputs, runs[trial] as NamedTensors)
    },
  })
  return compareAnswers(seen, expected, { source: file.model, when: 'packed' })
}
