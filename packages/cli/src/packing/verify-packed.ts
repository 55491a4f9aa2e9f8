import type { ModelFile } from '../model/model-file.ts'
import { answersOfBoth } from '../verifying/answers-of-both.ts'
import { type Comparison, compareAnswers } from '../verifying/compare-answers.ts'

/**
 * Runs a packed model and the one it was made from on the same examples of unequal lengths.
 * @throws TpError TP_VERIFY, TP_DENSE where the model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPacked(source: ModelFile, path: string, signal: AbortSignal): Promise<Comparison> {
  const { dense, changed } = await answersOfBoth({ source, path, runtime: 'native', signal })
  return compareAnswers(changed, dense, { source: source.model, when: 'packed' })
}
