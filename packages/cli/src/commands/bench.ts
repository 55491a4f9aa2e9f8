import { basename } from 'node:path'
import {
  factor,
  type InputSizes,
  inputRoles,
  type ModelToTime,
  shapesToTime,
  speedUpText,
  type TimedAtShape,
  timeAtShapes,
} from '@tp/compare'
import { type ModelFile, readModelFolder } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import { needing, text } from '../arguments/option.ts'
import { comparedAmountOptions, pruningOptions } from '../arguments/pruning-options.ts'
import { readComparedAmounts, readSettings } from '../arguments/read-fields.ts'
import { runtimeOption } from '../arguments/run-options.ts'
import { comparedMethods, namedVariants } from '../measuring/variants.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { originalName } from '../printing/made-from.ts'
import { counted } from '../printing/numbers.ts'
import { timing } from '../printing/progress.ts'
import { table } from '../printing/table.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const options = {
  against: text('OTHER', 'the model to compare MODEL with', { reads: 'model' }),
  method: text('NAME[,NAME…]', 'compare MODEL with itself pruned by each of these', {
    excludes: ['against'],
  }),
  ...needing(['method'], { ...comparedAmountOptions, ...pruningOptions }),
  ...runtimeOption,
  shapes: text('BxN,…', 'batch × tokens; default 1x32,1x128,1x512,8x128, for images 1,8', { is: 'shapes' }),
  threads: text('N', 'threads inside one operator; default 1', { is: 'whole number' }),
  'min-speedup': text('S', 'exit with code 3 below this speed-up; of MODEL, or of MODEL pruned, at any shape', {
    is: 'number',
    needs: ['against', 'method'],
  }),
} as const

export const benchCommand: Command = command({
  options,
  notes: [
    'Each round runs all models alternately. Speed-ups are medians over rounds, with the interval that covers the',
    'true median with 95 % probability. Inputs are random. Examples:',
    '',
    '  tp bench model.onnx --method received-attention --keep 0.7 --shapes 1x128',
    '  tp bench pruned.onnx --against model.onnx --min-speedup 1.5',
  ],
  async run([path = ''], args, context) {
    const { progress, signal, timingMs = TIMING_MS } = context
    const { threads = 1, against, 'min-speedup': least = 0 } = args
    const methods = args.method?.split(',').map((name) => name.trim())
    const [amounts, settings] = [readComparedAmounts(args), readSettings(args)]
    const compared = methods && (await comparedMethods(methods, settings, args.plugin))
    const runtime = await openRuntime(args.runtime)
    const file = await readModelFile(path, context)
    const { maxTokens } = await readModelFolder(path)
    const shapes = shapesToTime(inputRoles(file.model), args.shapes, maxTokens)
    const fromFile = (file: ModelFile, name = file.path): ModelToTime => ({
      ...{ name, model: file.model, open: () => loadFile(runtime, file, { threads, signal }) },
    })
    // The first is the reference of the others.
    const models = [fromFile(file, compared && originalName(file))]
    let judgedFrom = 1
    if (compared !== undefined) {
      progress.stage(`pruning ${basename(path)}`)
      const source = await asPooled(file, args)
      // The first variant is without pruning.
      if (compared.entries.length > 0) judgedFrom = 2
      const how = { ...compared, amounts, settings, weights: args.weights, signal }
      for (const { method, keep, plain } of await namedVariants(source, how)) {
        const { model } = plain
        const name = [method, keep].join(' ').trim()
        models.push({ name, model, open: () => loadSession(runtime, model, source, { threads, signal }) })
      }
    } else if (against !== undefined) {
      models.unshift(fromFile(await readModelFile(against, context)))
    }
    progress.expect?.(shapes.map(() => timing(1, timingMs)))
    const results = await timeAtShapes(models, shapes, {
      ...{ timingMs, countsFlops: compared !== undefined, signal },
      onShape: (shape) => progress.stage(`timing ${shapeText(shape)}`),
      onProgress: (done, rounds) => progress.step(done, rounds),
    })
    const slow = results.filter(({ latency }, i) => i % models.length >= judgedFrom && latency.speedup.value < least)
    const device = (await runtime.diagnose()).runtime
    const passed = slow.length === 0
    return {
      content: {
        ...{ runtime: device, model: path, threads, minSpeedup: args['min-speedup'] ?? null, passed },
        rows: results.map(rowContent),
      },
      text: `${device}, ${counted(threads, 'thread')}\n${describe(results)}`,
      code: passed ? EXIT.done : EXIT.belowThreshold,
      notes: slow.map(
        ({ name, latency, ...shape }) =>
          `[tp] ${name} at ${shapeText(shape)}: ${factor(latency.speedup.value)} is below the demanded ${factor(least)}`,
      ),
    }
  },
})

/** For each shape. */
const TIMING_MS = 4000

/** `8×128` */
function shapeText({ batch, tokens }: InputSizes): string {
  return tokens === undefined ? `${batch}` : `${batch}×${tokens}`
}

function rowContent({ name, rounds, flops, latency: { p50Ms, p90Ms, speedup }, ...shape }: TimedAtShape): object {
  return {
    ...{ shape: shapeText(shape), model: name, rounds, flops: flops ?? null, p50Ms, p90Ms },
    ...{ speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high },
  }
}

function describe(results: readonly TimedAtShape[]): string {
  const rows = results.map(({ name, flops, latency, ...shape }, i) => {
    const before = results[i - 1]
    const isFirst = before === undefined || shapeText(before) !== shapeText(shape)
    const speedup = isFirst ? factor(1) : speedUpText(latency.speedup)
    const times = [latency.p50Ms.toFixed(2), latency.p90Ms.toFixed(2)]
    return [isFirst ? shapeText(shape) : '', name, ...times, speedup, flops === undefined ? '' : factor(flops)]
  })
  const counts = results.some(({ flops }) => flops !== undefined)
  const headings = ['shape', 'model', 'p50 ms', 'p90 ms', 'speed-up', 'FLOPs'].slice(0, counts ? 6 : 5)
  return table(headings, rows, ['shape', 'model'])
}
