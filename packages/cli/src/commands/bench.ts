import { basename } from 'node:path'
import {
  factor,
  type InputSizes,
  inputRoles,
  sampleInputs,
  speedUpText,
  timeInTurns,
  type VariantLatency,
  withSessions,
} from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { readModelFolder } from '@tp/data'
import { type Arguments, needing, text } from '../arguments/option.ts'
import { comparedAmountOptions, pruningOptions } from '../arguments/pruning-options.ts'
import { readComparedAmounts, readSettings } from '../arguments/read-fields.ts'
import { runtimeOption } from '../arguments/runtime-option.ts'
import type { Context } from '../context/context.ts'
import { benchShapes, shapeText } from '../measuring/bench-shapes.ts'
import { type BenchCandidate, pruneCandidates } from '../measuring/candidates.ts'
import { comparedMethods, type VariantOptions } from '../measuring/variants.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { timing } from '../printing/expected-stages.ts'
import { originalName } from '../printing/made-from.ts'
import { table } from '../printing/table.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const options = {
  against: text('OTHER', 'the model to compare MODEL with', { reads: 'model' }),
  method: text('NAME[,NAME…]', 'compare MODEL pruned by each of these with the original MODEL', {
    excludes: ['against'],
  }),
  ...needing(['method'], { ...comparedAmountOptions, ...pruningOptions }),
  ...runtimeOption,
  shapes: text('BxN,…', 'batch × tokens; default 1x32,1x128,1x512,8x128, for images 1,8', { is: 'shapes' }),
  threads: text('N', 'threads inside one operator; default 1', { is: 'whole number' }),
  'min-speedup': text('S', 'exit with code 3 if MODEL, or MODEL pruned, is less than S times as fast at any shape', {
    is: 'number',
    needs: ['against', 'method'],
  }),
} as const

/** For each shape. */
const TIMING_MS = 4000
const MOST_ROUNDS = 200

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
    const { threads = 1, 'min-speedup': least } = args
    const methods = args.method?.split(',').map((name) => name.trim())
    const [amounts, settings] = [readComparedAmounts(args), readSettings(args)]
    const compared = methods && (await comparedMethods(methods, settings, args.plugin))
    const runtime = await openRuntime(args.runtime)
    const file = await readModelFile(path, context)
    const { maxTokens } = await readModelFolder(path)
    const shapes = benchShapes(args.shapes, inputRoles(file.model), maxTokens)
    const candidates = await openCandidates(file, args, compared && { compared, amounts, settings }, {
      ...context,
      runtime,
    })
    const results = await time(file, candidates, shapes, threads, context)
    const slow =
      least === undefined ? [] : results.filter(({ judged, latency }) => judged && latency.speedup.value < least)
    const device = (await runtime.diagnose()).runtime
    return {
      content: { runtime: device, ...content(path, threads, least, results) },
      text: describe(device, threads, results),
      code: slow.length === 0 ? EXIT.done : EXIT.belowThreshold,
      notes: slow.map(
        ({ name, shape, latency }) =>
          `[tp] ${name} at ${shape}: ${factor(latency.speedup.value)} is below the demanded ${factor(least as number)}`,
      ),
    }
  },
})

/** The competitors; the first is the reference of the others. */
async function openCandidates(
  file: ModelFile,
  args: Arguments<typeof options>,
  pruning: Pick<VariantOptions, 'compared' | 'amounts' | 'settings'> | undefined,
  context: Context & { readonly runtime: Runtime },
): Promise<BenchCandidate[]> {
  const { progress, signal, runtime } = context
  const fromFile = ({ path, model }: ModelFile, judged: boolean): BenchCandidate => ({
    name: path,
    model,
    judged,
    load: (session) => runtime.load(path, session),
  })
  if (pruning !== undefined) {
    progress.stage(`pruning ${basename(file.path)}`)
    const own = { ...pruning, file: await asPooled(file, args), weights: args.weights, runtime, signal }
    return [{ ...fromFile(file, false), name: originalName(file), flops: () => 1 }, ...(await pruneCandidates(own))]
  }
  if (args.against === undefined) return [fromFile(file, false)]
  return [fromFile(await readModelFile(args.against, context), false), fromFile(file, true)]
}

interface BenchResult {
  readonly name: string
  readonly judged: boolean
  readonly shape: string
  readonly rounds: number
  readonly flops: number | undefined
  readonly latency: VariantLatency
}

async function time(
  file: ModelFile,
  candidates: readonly BenchCandidate[],
  shapes: readonly InputSizes[],
  threads: number,
  { progress, signal, timingMs = TIMING_MS }: Context,
): Promise<BenchResult[]> {
  const roles = inputRoles(file.model)
  const open = candidates.map(
    ({ load }) =>
      () =>
        load({ threads, signal }),
  )
  return await withSessions(open, async (sessions) => {
    const results: BenchResult[] = []
    progress.expect?.(shapes.map(() => timing(1, timingMs)))
    for (const timed of shapes) {
      const shape = shapeText(timed)
      progress.stage(`timing ${shape}`)
      const { rounds, latencies } = await timeInTurns(sessions, [sampleInputs(file.model, roles, timed)], {
        ...{ rounds: MOST_ROUNDS, budgetMs: timingMs, signal },
        onProgress: (done, total) => progress.step(done, total),
      })
      for (const [i, latency] of latencies.entries()) {
        const { name, judged, flops } = candidates[i] as BenchCandidate
        results.push({ name, judged, shape, rounds, flops: flops?.(timed), latency })
      }
    }
    return results
  })
}

function describe(device: string, threads: number, results: readonly BenchResult[]): string {
  const rows = results.map(({ name, shape, flops, latency }, i) => {
    const isFirst = results[i - 1]?.shape !== shape
    const speedup = isFirst ? factor(1) : speedUpText(latency.speedup)
    const times = [latency.p50Ms.toFixed(2), latency.p90Ms.toFixed(2)]
    return [isFirst ? shape : '', name, ...times, speedup, flops === undefined ? '' : factor(flops)]
  })
  const counted = results.some(({ flops }) => flops !== undefined)
  return [
    `${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    table(['shape', 'model', 'p50 ms', 'p90 ms', 'speed-up', 'FLOPs'].slice(0, counted ? 6 : 5), rows, [
      'shape',
      'model',
    ]),
  ].join('\n')
}

function content(
  model: string,
  threads: number,
  minSpeedup: number | undefined,
  results: readonly BenchResult[],
): object {
  const rows = results.map(({ name, shape, rounds, flops, latency: { p50Ms, p90Ms, speedup } }) => ({
    ...{ shape, model: name, rounds, flops: flops ?? null, p50Ms, p90Ms },
    ...{ speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high },
  }))
  const passed =
    minSpeedup === undefined || results.every(({ judged, latency }) => !judged || latency.speedup.value >= minSpeedup)
  return { model, threads, minSpeedup: minSpeedup ?? null, passed, rows }
}
