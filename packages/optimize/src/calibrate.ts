import { type Classification, classify, type Progress } from '@tp/compare'
import type { AbortSignalLike, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { type CascadeCalibration, calibrateCascade, type Guard, measureFalseAlarms, recordBaseline } from '@tp/guard'
import { logitRowsOf } from '@tp/metrics'

/** A model that is calibrated. */
export interface CalibratedModel {
  /** Of its file, by which a guard knows it again. */
  readonly hash: string
  open(): Promise<Session>
}

export interface CalibrateOptions extends Omit<CascadeCalibration, 'pruned' | 'dense'> {
  readonly pruned: CalibratedModel
  readonly dense: CalibratedModel
  /** Examples as they will come, which neither model was trained on; labels are not used. */
  readonly inputs: ModelInputs
  /** Examples in a batch; default 1. */
  readonly batchSize?: number | undefined
  /** Called before each of the two models runs. */
  readonly onStage?: ((stage: 'pruned' | 'dense') => void) | undefined
  readonly onProgress?: ((at: Progress) => void) | undefined
  readonly signal?: AbortSignalLike | undefined
}

/**
 * Calibrates the cascade of a pruned and a dense model on examples, and records what a monitor watches for.
 * @throws TpError TP_OPTION; TP_CALIBRATION if there are too few examples, saying how many it takes; TP_ABORTED; and what running models
 * throws
 *
 * @example
 * const modelOf = (file: ModelFile) => ({ hash: file.hash(), open: () => runtime.load(file.path) })
 * const guard = await calibrate({ pruned: modelOf(pruned), dense: modelOf(dense), inputs, agreement: 0.99 })
 */
export async function calibrate(options: CalibrateOptions): Promise<Guard> {
  const { pruned, dense, inputs, batchSize, onStage, onProgress, signal, ...promise } = options
  const answersOf = async (session: Session): Promise<Classification> => {
    await using running = session
    return await classify(running, inputs, { batchSize, signal, onProgress })
  }
  onStage?.('pruned')
  const recorder = recordBaseline(await pruned.open())
  const few = await answersOf(recorder)
  onStage?.('dense')
  const all = await answersOf(await dense.open())
  const baseline = recorder.baseline()
  return {
    format: 1,
    models: { pruned: pruned.hash, dense: dense.hash },
    cascade: calibrateCascade({
      pruned: logitRowsOf(few),
      dense: logitRowsOf(all),
      answerForm: all.answerForm,
      ...promise,
    }),
    monitor: { ...baseline, falseAlarms: measureFalseAlarms(baseline) },
  }
}
