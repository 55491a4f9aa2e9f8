import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Session, throwIfAborted } from '@tp/core'
import { type Evaluation, evaluate, type ModelInputs } from '@tp/eval'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type TrainProgress, train } from '@tp/train'
import { type Command, command } from '../command/command.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { loadSession } from '../model/load-session.ts'
import { readModelFile } from '../model/model-file.ts'
import { dataOptions, openInputs } from '../model/open-inputs.ts'
import { checkTarget, stageModel } from '../model/stage-model.ts'
import { jsonDocument } from '../output/document.ts'
import { methodOption, readAsked, schedulesFor } from '../pruning/asked.ts'
import { budgetOptions } from '../pruning/budget.ts'
import { planOption } from '../pruning/plan-file.ts'
import { inspectEncoders, pruneFile, pruningOptions } from '../pruning/request.ts'
import { openLog, readCheckpointFile, replaceFile } from '../training/files.ts'
import { learningOptions, readLearning } from '../training/learning.ts'

const options = {
  out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
  ...methodOption,
  ...planOption,
  ...dataOptions,
  selection: {
    type: 'string',
    value: 'PATH',
    description: 'examples that the best weights are chosen by; not those of --data',
  },
  ...budgetOptions,
  ...pruningOptions,
  ...learningOptions,
  resume: { type: 'boolean', description: 'go on from OUT.checkpoint, which a training that was broken off has left' },
  log: { type: 'string', value: 'FILE', description: 'append one JSON line a step' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

/** How many examples are run at once where nothing is learned. */
const BATCH = 8

export const trainCommand: Command = command({
  options,
  notes: [
    'Tokens leave while it trains as they do afterwards. OUT.checkpoint is kept up to date meanwhile, also on Ctrl-C, and',
    'removed at the end; with --resume the training goes on from it to the same numbers. An example:',
    '',
    '  tp train model.onnx -o trained.onnx --method received-attention --keep 0.5 --data train.tsv --selection dev.tsv',
  ],
  async run([path = ''], given, context) {
    const { print, progress, signal } = context
    const { out, data, selection: selectionPath, json = false, resume = false } = given
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (data === undefined || selectionPath === undefined) {
      throw usageError(
        `--${data === undefined ? 'data' : 'selection'} PATH is missing: examples to ${data === undefined ? 'learn from' : 'choose the best weights by'}`,
      )
    }
    const asked = await readAsked(given)
    const learning = readLearning(given)
    const { name, method, settings } = asked

    const file = await readModelFile(path, signal)
    await checkTarget(file, out)
    const checkpoint = `${out}.checkpoint`
    const saved = resume ? await readCheckpointFile(checkpoint) : undefined
    progress.stage(`pruning ${basename(path)}`)
    const schedules = schedulesFor(asked, file, inspectEncoders(file, settings.tower))
    const pruned = await pruneFile(file, { ...settings, method, schedules })
    const { limit: _, ...reading } = given
    const inputs = await openInputs(path, data, 1, given, context)
    const selection = await openInputs(path, selectionPath, 1, reading, context)
    progress.stage('asking the dense model')
    const load = (model: Model): Promise<Session> => loadSession(model, file, { threads: 1, signal })
    const answers = async (model: Model, examples: ModelInputs): Promise<Evaluation> => {
      await using session = await load(model)
      return await evaluate(session, examples, { batchSize: BATCH, signal })
    }
    const { logits: teacher } = await answers(file.model, inputs)
    const { accuracy: dense } = await answers(file.model, selection)
    const { accuracy: before } = await answers(pruned.model, selection)

    progress.stage('training')
    const log = given.log === undefined ? undefined : openLog(given.log)
    const trained = await train({
      ...learning,
      model: pruned.model,
      runtime: nodeRuntime(),
      inputs,
      selection,
      teacher,
      load,
      ...(saved && { resume: saved }),
      signal,
      onCheckpoint: (bytes) => replaceFile(checkpoint, bytes),
      onProgress(at) {
        progress.step(at.step, at.steps)
        if (at.accuracy !== undefined) progress.note(stepText(at))
        log?.add(at)
      },
    })
    await log?.end()
    throwIfAborted(signal, 'tp')
    await using staged = await stageModel(trained.model, file, out, signal)
    await staged.commit()
    await rm(checkpoint, { force: true })
    progress.end()
    const report = {
      model: path,
      out,
      method: name,
      step: trained.step,
      selection: { dense: dense.estimate, before: before.estimate, after: trained.accuracy },
    }
    print(json ? jsonDocument('train', report) : describe(report))
    return EXIT.done
  },
})

interface Report {
  readonly out: string
  readonly method: string
  /** Steps after which the weights were taken. */
  readonly step: number
  /** Percent right of the selection set. */
  readonly selection: { readonly dense: number; readonly before: number; readonly after: number | undefined }
}

function describe({ out, method, step, selection: { dense, before, after = Number.NaN } }: Report): string {
  return [
    `${out}  ${method}, weights of step ${step}`,
    `selection  dense ${dense.toFixed(1)} %, pruned ${before.toFixed(1)} %, trained ${after.toFixed(1)} %`,
  ].join('\n')
}

function stepText({ step, steps, loss, accuracy }: TrainProgress): string {
  return `step ${step} of ${steps}: loss ${loss.toFixed(4)}, ${accuracy?.toFixed(1)} % of the selection right`
}
