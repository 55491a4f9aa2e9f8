import type { AnswerForm, Session } from '@tp/core/runtime'
import { type ModelFile, readBytes, readModel } from '@tp/data'
import { LARGEST_JSON } from '@tp/data/files'
import { type Alarm, type CascadeRun, cascade, monitor } from '@tp/guard'
import { readGuarding } from '@tp/plans'

/** A pruned model whose uncertain answers fall back to the dense one. */
export interface GuardOptions {
  /** The file that `tp calibrate` or `tp optimize --cascade` has written. */
  readonly path: string
  /** The dense model. */
  readonly dense: string
  /** Told of drift, which a guard of `tp calibrate` watches for. */
  readonly onAlarm?: ((alarm: Alarm) => void) | undefined
}

interface PrunedFile {
  readonly file: ModelFile
  load(file: ModelFile): Promise<Session>
  readonly onRun: ((run: CascadeRun) => void) | undefined
}

/** A pruned model and what guards it. */
interface Guarded {
  readonly session: Session
  /** The pruned model alone: what it runs is neither counted nor watched. */
  readonly pruned: Session
  /** The form of answers that its rule is for. */
  readonly answerForm: AnswerForm | undefined
}

/**
 * The session of a pruned model, watched for drift, and with the dense one as its fallback.
 * @throws TpError TP_GUARD, TP_PLAN for a file that guards nothing, or other models; TP_FILE_NOT_FOUND; what loading throws
 */
export async function guarded(guard: GuardOptions, { file, load, onRun }: PrunedFile): Promise<Guarded> {
  const text = await readBytes(guard.path, { code: 'TP_FILE_NOT_FOUND', mostBytes: LARGEST_JSON })
  const dense = await readModel(guard.dense)
  const { cascade: rule, monitor: baseline } = readGuarding(new TextDecoder().decode(text), guard.path, {
    pruned: { path: file.path, hash: file.hash() },
    dense: { path: dense.path, hash: dense.hash() },
  })
  const pruned = await load(file)
  try {
    const watched = baseline && monitor(pruned, baseline, { onAlarm: guard.onAlarm })
    const session = cascade({ ...rule, pruned: watched ?? pruned, dense: await load(dense), onRun })
    return { session, pruned, answerForm: rule.answerForm }
  } catch (error) {
    await pruned.dispose()
    throw error
  }
}
