import { basename } from 'node:path'
import { replaceFile } from '@tp/data/files'
import type { CalibratedCascade, Guard, MeasuredFalseAlarms } from '@tp/guard'
import { calibrateFiles, requirePair } from '@tp/optimize/files'
import { nodeRuntime } from '@tp/runtime-node'
import { dataOptions } from '../arguments/data-options.ts'
import { text } from '../arguments/option.ts'
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
    const files = { pruned: await readModelFile(path, context), dense: await readModelFile(against, context) }
    requirePair(files)
    const batchSize = batchSizeOf(files.pruned)
    const inputs = await openInputs(against, data, batchSize, args, context)
    for (const note of inputs.notes) progress.note(note)
    const examples = inputs.targets.length
    progress.expect?.([evaluation(examples), evaluation(examples)])
    const guard = await calibrateFiles(files, {
      ...{ runtime: nodeRuntime(), inputs, agreement, confidence, uncertainty, speedup, batchSize, signal },
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
