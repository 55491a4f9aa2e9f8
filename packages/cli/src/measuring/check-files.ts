import { basename } from 'node:path'
import { check, type Demands, TIMING_MS, type Verdict } from '@tp/compare'
import { type ModelFile, sizeOfFiles } from '@tp/data'
import { isMadeFrom, provenanceOf } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../context/context.ts'
import { type TaskInputs, withTaskData } from '../model/open-task-inputs.ts'
import { type CheckedFile, describeCheck } from '../printing/check-text.ts'
import { evaluation, timing } from '../printing/progress.ts'
import { timesContent } from '../printing/rows.ts'
import { titleOf } from './title.ts'

export interface FilesToCheck {
  readonly pruned: ModelFile
  readonly dense: ModelFile
  /** Where the data came from. */
  readonly source: string
  readonly data: TaskInputs
  readonly demands: Demands
}

/** The output of `tp check`. */
export interface CheckReport {
  readonly verdict: Verdict
  /** A table, and the verdict under it. */
  readonly text: string
  readonly content: object
}

/**
 * Whether a pruned file is faster than the dense one and as accurate, on the same examples.
 * @throws TpError TP_INPUT for files that do not belong together, and what running models throws
 */
export async function checkFiles(request: FilesToCheck, context: Context): Promise<CheckReport> {
  const { pruned, dense, source, data, demands } = request
  const { inputs, task } = data
  const { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS, timedExamples } = context
  const examples = inputs.targets.length
  const inTurns = timing(examples, task === 'asr' ? 2 * timingMs : timingMs)
  progress.expect?.([evaluation(examples), evaluation(examples), inTurns])
  const files = { dense, pruned }
  const checked = await withTaskData(data, context, (opened) =>
    check(pruned, dense, {
      ...{ ...demands, data: opened, runtime, signal, timingMs, timedExamples },
      onStage: (stage) =>
        progress.stage(stage === 'times' ? 'timing both in turns' : `evaluating ${basename(files[stage].path)}`),
      onProgress: (done, total) => progress.step(done, total),
    }),
  )
  const { verdict, loss } = checked
  const columnOf = async (file: ModelFile, figures: typeof checked.dense): Promise<CheckedFile> => ({
    ...{ file, figures, bytes: await sizeOfFiles(file), provenance: provenanceOf(file) },
  })
  const columns = [await columnOf(dense, checked.dense), await columnOf(pruned, checked.pruned)] as const
  const title = await titleOf(pruned.path, inputs, undefined, context.runtime)
  return {
    verdict,
    text: `${title}\n${describeCheck(...columns)}\n\n${verdict.text}`,
    content: {
      ...{ model: pruned.path, against: dense.path, data: source, task, notes: inputs.notes },
      ...{ examples: checked.examples, chose: checked.chose },
      ...{ maxLoss: demands.maxLoss, confident: demands.confident, minSpeedup: demands.minSpeedup ?? null },
      ...{ loss: { unit: loss.unit, ...loss.interval, same: loss.same }, verdict },
      ...{ dense: columnContent(columns[0]), pruned: columnContent(columns[1], dense) },
    },
  }
}

function columnContent({ file, bytes, provenance, figures }: CheckedFile, other?: ModelFile): object {
  const { answers, ...times } = figures
  const made = other === undefined ? {} : { madeFromOther: isMadeFrom(provenance, other) ?? null }
  const steps = provenance.steps.map(({ cuts, restored, ...step }) => step)
  return {
    ...{ path: file.path, bytes, prunings: steps, leftOut: provenance.leftOut, ...made },
    ...{ ...answers.content, ...timesContent(times) },
  }
}
