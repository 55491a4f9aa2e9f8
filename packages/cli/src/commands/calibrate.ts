import { basename } from 'node:path'
import { fewerFlops, inputRoles } from '@tp/compare'
import { readProvenance } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { replaceFile } from '@tp/data/files'
import type { CalibratedCascade, Guard, MeasuredFalseAlarms } from '@tp/guard'
import { type CalibratedModel, calibrate } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { dataOptions } from '../arguments/data-options.ts'
import { text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, openInputs } from '../model/open-task-inputs.ts'
import { lines } from '../printing/lines.ts'
import { grouped } from '../printing/numbers.ts'
import { evaluation } from '../printing/progress.ts'
import { type Command, command } from './command.ts'

const uncertainties = ['probability', 'margin', 'entropy'] as const

export const calibrateCommand: Command = command({
  options: {
    out: text('OUT', 'the JSON file to write', { short: 'o', required: 'the JSON file to write', writes: 'file' }),
    against: text('MODEL', 'the dense model that PRUNED was made from', {
      reads: 'model',
      required: 'the dense model that PRUNED was made from',
    }),
    ...dataOptions,
    data: { ...dataOptions.data, required: 'examples to calibrate on' },
    agreement: text('SHARE', 'share with the dense answer; default 0.99; so many inputs must get it', { is: 'share' }),
    confidence: text('P|mean', 'confidence of the promise; default 0.95. mean: on average over calibration sets', {
      is: 'share',
      words: ['mean'],
    }),
    uncertainty: text(
      uncertainties.join('|'),
      'measure of uncertainty; default probability: 1 − the largest of the softmax',
      { is: 'word', words: uncertainties },
    ),
    speedup: text('S', 'speed-up of PRUNED; default: by FLOPs; the cost of the cascade is estimated from it', {
      is: 'positive',
    }),
  },
  notes: [
    'Uncertain answers of PRUNED fall back to the dense model; the threshold is the highest that the data support. A model pruned',
    'with --monitor is watched by its scores as well. Calibrate on data like those in production, not on training data, and not on',
    'test data. An example:',
    '',
    '  tp calibrate pruned.onnx --against model.onnx --data calibration.tsv --agreement 0.99 -o guard.json',
  ],
  async run([path = ''], args, context) {
    const { out, against, data, agreement = 0.99, confidence = 0.95, uncertainty = 'probability', speedup } = args
    const { progress, signal } = context
    const [pruned, dense] = [await readModelFile(path, context), await readModelFile(against, context)]
    checkPair(pruned, dense)
    const batchSize = batchSizeOf(pruned)
    const inputs = await openInputs(against, data, batchSize, args, context)
    const roles = inputRoles(dense.model)
    const fewer = fewerFlops({ dense: dense.model, pruned: pruned.model, roles }, inputs)
    if (fewer !== undefined && fewer < 1) {
      const more = `${path} takes ${percent(1 / fewer)} of the FLOPs of ${against}`
      throw usageError(`${more}: give the pruned model first, and the dense one with --against`)
    }
    for (const note of inputs.notes) progress.note(note)
    const examples = inputs.targets.length
    progress.expect?.([evaluation(examples), evaluation(examples)])
    const modelOf = (file: ModelFile): CalibratedModel => ({
      hash: file.hash(),
      open: () => nodeRuntime().load(file.path, { threads: 1, signal }),
    })
    const files = { pruned, dense }
    const guard = await calibrate({
      ...{ pruned: modelOf(pruned), dense: modelOf(dense), inputs, speedup: speedup ?? fewer },
      ...{ agreement, confidence, uncertainty, batchSize, signal },
      onStage: (stage) => progress.stage(`running ${basename(files[stage].path)}`),
      onProgress: ({ done, total }) => progress.step(done, total),
    })
    await replaceFile(out, new TextEncoder().encode(`${JSON.stringify(guard)}\n`))
    const { monitor, ...rest } = guard
    const { signals, falseAlarms } = monitor
    const watched = { signals: Object.keys(signals), falseAlarms }
    return {
      content: { model: path, against, data, out, ...rest, monitor: watched },
      text: describe(out, guard, speedup === undefined),
    }
  },
})

/** @throws TpError TP_USAGE for one model twice, or two in each other's place */
function checkPair(pruned: ModelFile, dense: ModelFile): void {
  if (pruned.hash() === dense.hash()) {
    throw usageError(`${pruned.path} and ${dense.path} are the same model; give the dense one with --against`)
  }
  const [step] = readProvenance(dense.model)
  if (step === undefined || readProvenance(pruned.model).length > 0) return
  const seen = `${dense.path} is pruned (${step.method}), and ${pruned.path} is not`
  throw usageError(`${seen}: give the pruned model first, and the dense one with --against`)
}

function describe(out: string, { cascade, monitor }: Guard, byFlops: boolean): string {
  const { threshold, examples, disagreements, remaining, share, cost } = cascade
  const alone = `alone ${percent(1 - disagreements / examples)} of ${grouped(examples)} examples get the dense answer`
  const { falseAlarms } = monitor
  const [first] = Object.values(monitor.signals)
  const fallback =
    threshold === null
      ? 'no fallback is required for that'
      : `from ${cascade.uncertainty} ${threshold.toPrecision(3)} on answers fall back to the dense model: ${percent(share.estimate)} of the inputs (${percent(share.low)} … ${percent(share.high)})`
  return lines(
    `${out}  ${promiseText(cascade)}`,
    `cascade  ${alone}, with it ${percent(1 - remaining / examples)}`,
    `         ${fallback}`,
    cost && `         costs ${percent(cost.estimate)} of what the dense model takes${byFlops ? ', by FLOPs' : ''}`,
    `monitor  watches ${Object.keys(monitor.signals).join(', ')}, against ${grouped(first?.length ?? 0)} examples`,
    falseAlarms && `         ${falseAlarmText(falseAlarms)}`,
  )
}

function falseAlarmText({ streams, inputs, alarms, falseAlarmRate }: MeasuredFalseAlarms): string {
  const most = percent(Math.min(1, inputs * falseAlarmRate), 2)
  return `gave ${alarms} false alarms on ${streams} streams of ${inputs} of them (at most ${most} promised)`
}

function promiseText({ agreement, confidence }: CalibratedCascade): string {
  const confident = confidence === 'mean' ? 'on average' : `with ${percent(confidence)} confidence`
  return `the dense answer for ${percent(agreement)} of inputs like these, ${confident}`
}

function percent(share: number, digits = 1): string {
  return `${Number((100 * share).toFixed(digits))} %`
}
