import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { amountNames } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { under } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { outputsOf } from '../files/file-claims.ts'
import { removeWithWaiting } from '../files/write-file.ts'
import { readModelFile } from '../model/model-file.ts'
import { dataOptions } from '../model/open-inputs.ts'
import { stageModel } from '../model/stage-model.ts'
import { jsonDocument } from '../output/document.ts'
import { refuseLeaveOut } from '../pruning/leave-out.ts'
import { amountOptions, leaveOutOption, methodOption, planOption, pruningOptions } from '../pruning/options.ts'
import { readPlanToLearn } from '../pruning/read-plan.ts'
import { SEVEN_BITS } from '../quantizing/form-here.ts'
import { DenseAnswers } from '../training/dense-answers.ts'
import { writeTogether } from '../training/files.ts'
import { describeFit, fitMethod, isFitted } from '../training/fitted.ts'
import { storeIn8Bits, storeOption } from '../training/in-8-bits.ts'
import { checkpointPaths } from '../training/learned.ts'
import { learningOptions, methodLearningOptions, readLearning, readMethodLearning } from '../training/learning.ts'
import { missing, selectionOption } from '../training/lessons.ts'
import { trainMethod, trainPruned } from '../training/outcome.ts'
import { plotTraining } from '../training/plot.ts'
import { stepRecords, type TrainingReport } from '../training/report.ts'
import { watching } from '../training/watch.ts'

const options = {
  out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
  resume: { type: 'boolean', description: 'resume from the checkpoint of an interrupted training' },
  log: { type: 'string', value: 'FILE', description: 'append one JSON line a step' },
  report: {
    type: 'string',
    value: 'PREFIX',
    description: 'write PREFIX.json, all that is known of the training, and PREFIX.svg, a plot of it',
  },
  json: { type: 'boolean', description: 'print one JSON document' },
  ...under('Data', { ...dataOptions, ...selectionOption }),
  ...under('How tokens are pruned', {
    ...methodOption,
    ...planOption,
    ...amountOptions,
    ...pruningOptions,
    ...leaveOutOption,
  }),
  ...under('How it learns', { ...learningOptions, ...methodLearningOptions, ...storeOption }),
} as const

export const trainCommand: Command = command({
  options,
  notes: [
    'With --keep and the other amounts the model trains with its tokens pruned as at inference. A method that learns where to',
    'prune (ltp) requires none of them: soft training removes no token, then tokens are pruned by what was learned (scaled to',
    '--target-flops), then the model is fine-tuned. By default sites are at all layers but the last; with --weights such a',
    'method does not learn. Only OUT and the files that the options name are written (--weights-out, --report,',
    '--log), and while it trains OUT.checkpoint (of the soft part OUT.soft.checkpoint), kept up to date also on Ctrl-C, which',
    'keeps what the dense model has answered as well (OUT.answers.checkpoint); all are removed at the end, and with --resume the',
    'training continues from them with the same numbers. Batches are run in parts: 512 tokens',
    'of a model of 23 million weights take about 1 GB, however many examples there are. Examples:',
    '',
    '  tp train model.onnx -o trained.onnx --method received-attention --keep 0.5 --data train.tsv --selection dev.tsv',
    '  tp train model.onnx -o trained.onnx --method ltp --target-flops 0.5 --data train.tsv --selection dev.tsv',
    '',
    'The whole speed-up: networks alone, from the dense model without labels, in an 8-bit file (which tp pack takes, too):',
    '',
    '  tp train model.onnx -o fast.onnx --method sdtp --keep 0.75 --train method --distillation 1 --quantize --data a.tsv --selection b.tsv',
    '',
    'A model without some layers, which learns the answers of the one with all of them, without labels:',
    '',
    '  tp train model.onnx -o shallow.onnx --leave-out 3 --distillation 1 --data a.tsv --selection b.tsv',
    '',
    'A model that gives vectors learns those of the dense model, from texts without labels; --selection has other texts, to',
    'choose by the cosine to the dense vectors.',
    '',
    'lens, for embedders, is fitted in closed form to texts without labels, one a line; it requires amounts, and no --selection:',
    '',
    '  tp train model.onnx -o pruned.onnx --method lens --layers 3 --keep 0.5 --data texts.txt --weights-out lens.safetensors',
  ],
  writes({ out, log, report, 'weights-out': weightsOut }) {
    const [document, plot] = report === undefined ? [] : reportPaths(report)
    const { soft, hard } = out === undefined ? {} : checkpointPaths(out)
    const others = { '--log': log, '--weights-out': weightsOut, '--report': document, 'the plot of --report': plot }
    const answers = out === undefined ? undefined : new DenseAnswers(out).path
    const checkpoints = { 'its checkpoint': hard, 'its soft checkpoint': soft, "its dense model's answers": answers }
    return [...outputsOf({ '-o': out }, { holdsModel: true }), ...outputsOf({ ...others, ...checkpoints })]
  },
  alone: true,
  async run([path = ''], given, context) {
    const { print, progress, signal } = context
    const { out, json = false, report: prefix } = given
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (given.data === undefined) throw missing('data')
    const { 'weights-out': weightsOut } = given
    const asked = await readPlanToLearn(given)
    if (!isFitted(asked)) {
      readLearning(given)
      readMethodLearning(given)
    }
    if (asked.learns || isFitted(asked)) refuseLeaveOut(asked.plan, 'tp train')
    const began = performance.now()
    if (isFitted(asked)) {
      const file = await readModelFile(path, context)
      const { model: fitted, weights, report } = await fitMethod({ file, asked, given, context })
      const model = given.quantize ? (await storeIn8Bits(file, fitted)).model : fitted
      throwIfAborted(signal, 'tp')
      await using staged = await stageModel(model, file, out, signal)
      await writeTogether(new Map(weightsOut === undefined ? [] : [[weightsOut, weights]]))
      await staged.commit()
      progress.end()
      const about = { model: path, out, method: asked.plan.method, ...report, seconds: secondsSince(began) }
      const written = weightsOut === undefined ? [] : [`written  ${weightsOut}`]
      print(
        json
          ? jsonDocument('train', about)
          : [`${out}  ${about.method}`, ...describeFit(report), ...written].join('\n'),
      )
      return EXIT.done
    }
    if (given.selection === undefined) throw missing('selection')
    const file = await readModelFile(path, context)
    // What cannot be stored in 8 bits is refused before it is trained.
    if (given.quantize && (await storeIn8Bits(file, file.model)).quantize.reduceRange) progress.note(SEVEN_BITS)
    const watch = watching(progress, given.log)
    const answers = new DenseAnswers(out)
    const outcome = await (asked.learns ? trainMethod : trainPruned)({
      file,
      out,
      asked,
      given,
      context,
      watch,
      answers,
    })
      .catch(async (error: unknown) => {
        if (!signal.aborted) throw error
        await answers.save()
        const learned = await savedCheckpoint(out)
        const saved =
          learned === undefined
            ? (await answers.isThere()) && `${answers.path} holds what was asked`
            : `${learned} holds what was learned`
        if (saved !== false) progress.note(`[tp] stopped; ${saved}: the same command with --resume goes on`)
        throw error
      })
      .finally(() => watch.end())
    throwIfAborted(signal, 'tp')
    const { model, steps, about, weights } = outcome
    const report: TrainingReport = {
      ...{ model: path, out, method: asked.plan.method, params: asked.plan.params ?? {} },
      ...about,
      seconds: secondsSince(began),
    }
    await using staged = await stageModel(model, file, out, signal)
    const files = new Map<string, Uint8Array>()
    if (weightsOut !== undefined && weights !== undefined) files.set(weightsOut, weights)
    if (prefix !== undefined) {
      const title = `${basename(out)}: ${asked.plan.method}`
      const plot = plotTraining({ title, steps, target: numberOf(given['target-flops']), flops: report.flops })
      const [document, image] = reportPaths(prefix)
      files.set(document, bytesOf(`${jsonDocument('training', { ...report, steps: stepRecords(steps) })}\n`))
      files.set(image, bytesOf(plot))
    }
    await writeTogether(files)
    await staged.commit()
    for (const path of [...Object.values(checkpointPaths(out)), answers.path]) await removeWithWaiting(path)
    progress.end()
    print(json ? jsonDocument('train', report) : describe(report, [...files.keys()]))
    return EXIT.done
  },
})

function describe(
  { out, method, step, selection, flops, plan, settings }: TrainingReport,
  files: readonly string[],
): string {
  const { dense, before, after, in8Bits } = selection
  const percent = (share: number): string => `${share.toFixed(1)} %`
  const cosine = (share: number): string => (share / 100).toFixed(3)
  const rounded = (text: (share: number) => string): string =>
    in8Bits === undefined ? '' : `, in 8 bits ${text(in8Bits)}`
  const amounts = plan && amountNames.flatMap((name) => plan[name] ?? []).filter(isNumber)
  return [
    `${out}  ${method}, weights of step ${step}`,
    settings.answer === 'embedding'
      ? `selection  cosine to the dense vectors: pruned ${cosine(before)}, trained ${cosine(after)}${rounded(cosine)}`
      : `selection  dense ${percent(dense)}, pruned ${percent(before)}, trained ${percent(after)}${rounded(percent)}`,
    ...(flops === undefined ? [] : [`FLOPs  ${(100 * flops).toFixed(1)} % of the dense model's on the selection`]),
    ...(plan?.layers && amounts
      ? [
          `tokens are pruned at layers ${plan.layers.join(', ')}: ${amounts.map((value) => Number(value.toPrecision(3))).join(', ')}`,
        ]
      : []),
    ...files.map((path) => `written  ${path}`),
  ].join('\n')
}

/** The checkpoint that is there, if any. */
async function savedCheckpoint(out: string): Promise<string | undefined> {
  for (const path of Object.values(checkpointPaths(out))) {
    if ((await stat(path).catch(() => undefined)) !== undefined) return path
  }
  return undefined
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}

function reportPaths(prefix: string): [document: string, plot: string] {
  return [`${prefix}.json`, `${prefix}.svg`]
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
