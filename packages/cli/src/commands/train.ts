import { appendFile } from 'node:fs/promises'
import { throwIfAborted } from '@tp/core/runtime'
import { outputsOf, removeCheckpointFile, replaceFile, stageModel, writeError } from '@tp/data/files'
import { showTraining } from '@tp/train'
import { namingStored, storedFile, trainingFiles } from '@tp/train/files'
import { dataOptions } from '../arguments/data-options.ts'
import { type Learning, learningOptions, readLearning, settingOptions } from '../arguments/learning-options.ts'
import { flag, outOption, text, under } from '../arguments/option.ts'
import {
  amountOptions,
  leaveOutOption,
  methodOption,
  planOption,
  pruningOptions,
} from '../arguments/pruning-options.ts'
import type { Context } from '../context/context.ts'
import { asPooled, ONE_ROW } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { inSeconds } from '../printing/numbers.ts'
import { readPlan, refuseLeaveOut } from '../pruning/read-plan.ts'
import { formHere, quantizeFile, SEVEN_BITS } from '../quantizing/quantize-file.ts'
import { selectionMissing, selectionOption, TO_LEARN_FROM } from '../training/examples.ts'
import {
  checkLearning,
  fitFile,
  isFitted,
  type TrainingResult,
  type TrainingTask,
  trainFile,
} from '../training/run-training.ts'
import { type Command, command } from './command.ts'

const options = {
  ...outOption,
  resume: flag('resume from the checkpoint of an interrupted training'),
  log: text('FILE', 'append one JSON line per step', { writes: 'file' }),
  ...under('Data', { ...dataOptions, data: { ...dataOptions.data, required: TO_LEARN_FROM }, ...selectionOption }),
  ...under('How tokens are pruned', {
    ...methodOption,
    ...planOption,
    ...amountOptions,
    ...pruningOptions,
    ...leaveOutOption,
  }),
  ...under('Training', {
    ...learningOptions,
    set: { ...pruningOptions.set, description: 'a setting of training or plan' },
    ...settingOptions,
  }),
} as const

export const trainCommand: Command = command({
  options,
  notes: [
    'With --keep and the other amounts the model trains with its tokens pruned as at inference. A method that learns where to',
    'prune (ltp) requires no amount: soft training removes no token, then tokens are pruned by the learned values (scaled to',
    '--target-flops), and the model is fine-tuned; with --weights such a method does not learn. A model that gives vectors learns those',
    'of the dense model, from texts without labels. lens, for embedders, is fitted in closed form to such texts; it requires amounts, and',
    'no --selection. Meanwhile OUT.checkpoint, OUT.soft.checkpoint and the answers of the dense model (OUT.answers.checkpoint) are kept up',
    'to date even on Ctrl-C, for --resume, and removed at the end. 512 tokens of a model with 23 million weights take about 1 GB, however',
    'many examples there are. Examples: the model; a method with it; networks alone, as an 8-bit file; a model without a layer; lens:',
    '',
    '  tp train model.onnx -o trained.onnx --method received-attention --keep 0.5 --data train.tsv --selection dev.tsv',
    '  tp train model.onnx -o trained.onnx --method ltp --target-flops 0.5 --data train.tsv --selection dev.tsv',
    '  tp train model.onnx -o fast.onnx --method sdtp --keep 0.75 --train method --set distillation=1 --quantize --data a.tsv --selection b.tsv',
    '  tp train model.onnx -o shallow.onnx --leave-out 3 --set distillation=1 --data a.tsv --selection b.tsv',
    '  tp train model.onnx -o pruned.onnx --method lens --layers 3 --keep 0.5 --data texts.txt --weights-out lens.safetensors',
  ],
  writes({ out }) {
    const { soft, hard, answers } = trainingFiles(out)
    return outputsOf({
      'its checkpoint': hard,
      'its soft checkpoint': soft,
      "its dense model's answers": answers,
    })
  },
  alone: ['-o'],
  async run([path = ''], args, context) {
    const { signal } = context
    const { out, 'weights-out': weightsOut } = args
    const planned = await readPlan(args, true)
    const learning = isFitted(planned) ? undefined : readLearning(args)
    if (learning !== undefined) checkLearning(planned, learning)
    if (planned.learns || learning === undefined) refuseLeaveOut(planned.plan, 'tp train')
    const began = performance.now()
    if (learning !== undefined && args.selection === undefined) throw selectionMissing()
    const read = await readModelFile(path, context)
    const file = await asPooled(read, planned.plan)
    if (file !== read) context.progress.note(ONE_ROW)
    const quantize = args.quantize ? await formHere() : undefined
    const task = { file, out, planned, args, context, quantize }
    const result = learning === undefined ? await fitFile(task) : await trained(task, learning)
    throwIfAborted(signal, 'tp')
    await using staged = await stageModel(result.model, file, out, signal)
    const { weights } = result
    if (weightsOut !== undefined && weights !== undefined) await replaceFile(weightsOut, weights)
    await staged.commit()
    for (const stored of Object.values(trainingFiles(out))) await removeCheckpointFile(stored)
    const files = weightsOut === undefined || weights === undefined ? [] : [`written  ${weightsOut}`]
    const seconds = inSeconds(performance.now() - began)
    return {
      content: { model: path, out, ...result.content, seconds },
      text: [`${out}  ${result.lines[0]}`, ...result.lines.slice(1), ...files].join('\n'),
    }
  },
})

async function trained(task: TrainingTask, learning: Learning): Promise<TrainingResult> {
  const { file, out, args, context, quantize } = task
  const { progress, signal } = context
  if (quantize !== undefined) {
    // A model that cannot be stored in 8 bits is refused before it is trained.
    quantizeFile(file, quantize)
    if (quantize.reduceRange) progress.note(SEVEN_BITS)
  }
  const { log } = args
  let logged = Promise.resolve()
  const shown = showTraining(progress)
  const onStep: typeof shown.onStep = (at, part) => {
    shown.onStep(at, part)
    if (typeof log === 'string') logged = logged.then(() => appendFile(log, `${JSON.stringify({ part, ...at })}\n`))
    // Reported at the end, since nothing awaits this promise.
    logged.catch(() => undefined)
  }
  return await namingStored(out, () => trainFile(task, learning, { ...shown, onStep }))
    .catch(async (error: unknown) => {
      if (signal.aborted) await noteStored(out, progress)
      throw error
    })
    .finally(() =>
      logged.catch((cause: unknown) => {
        throw writeError(`${log}`, cause)
      }),
    )
}

/** The files of an interrupted training. */
async function noteStored(out: string, progress: Context['progress']): Promise<void> {
  const stored = await storedFile(out)
  if (stored === undefined) return
  const holds = stored === trainingFiles(out).answers ? 'the answers of the dense model' : 'the learned weights'
  progress.note(`[tp] stopped; ${stored} holds ${holds}; run the same command with --resume to continue`)
}
