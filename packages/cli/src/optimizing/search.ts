import { processorMs } from '@tp/compare'
import type { Plan, TrainedValues } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { needsValues, readSafetensors } from '@tp/core/host'
import type { Runtime } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { loadSession, readInput } from '@tp/data/files'
import type { ModelInputs } from '@tp/data/inputs'
import {
  type MethodToTeach,
  type OptimizedPlan,
  type OptimizeOptions,
  type OptimizeProgress,
  optimize,
  type Variant,
} from '@tp/optimize'
import { deadlineAfter, keepMeasurements } from '@tp/optimize/files'
import { segmentOf } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import { teachMethod } from '@tp/train'
import { type demandOptions, readDemands } from '../arguments/demand-options.ts'
import type { Arguments } from '../arguments/option.ts'
import type { pruningOptions } from '../arguments/pruning-options.ts'
import { readSettings } from '../arguments/read-fields.ts'
import type { Context } from '../context/context.ts'
import { type TaskInputs, withTaskData } from '../model/open-task-inputs.ts'
import { findMethod, loadMethods, type MethodCatalog } from '../plugins/load-methods.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { grouped, inSeconds } from '../printing/numbers.ts'
import type { SearchWork } from '../printing/plan-text.ts'
import { formHere } from '../quantizing/quantize-file.ts'
import { takesTrainedValues, variantsOf } from './variants.ts'

/** Options of a search. */
export type SearchArguments = Arguments<typeof pruningOptions & typeof demandOptions> & {
  readonly for?: string
  readonly methods?: string
  readonly minutes?: number
  readonly shapes?: NonNullable<OptimizeOptions['shapes']>
  readonly cascade?: boolean
  readonly float32?: boolean
  readonly 'all-layers'?: boolean
  readonly resume?: boolean
  /** The file of the plan, next to which measurements are kept. */
  readonly 'plan-out'?: string
}

/** The fastest plan that was found. */
export interface FoundPlan {
  readonly optimized: OptimizedPlan
  /** Of the largest runs; of `none` where nothing holds that is faster. */
  readonly plan: Plan
  /** File of the trained values of its method, if that takes some. */
  readonly weights: string | undefined
  /** The values that its method has learned during the search, as a safetensors file. */
  readonly learned?: Uint8Array
  readonly work: SearchWork
  /** Ends what Ctrl-C lets end: the measurement, and the writing of the best so far. */
  readonly deadline: AbortSignal
}

/** Minutes of a search whose plan is not kept. */
const MINUTES = 10

const stageTexts: Readonly<Record<OptimizeProgress['stage'], string>> = {
  vectors: 'running the model as it is',
  forms: 'timing the model',
  screening: 'comparing methods on a few examples',
  search: 'choosing',
  learning: 'learning',
  verification: 'timing the fastest',
  regimes: 'timing the plan',
}
/** Those of one bar. */
const counted = Object.keys(stageTexts).slice(1)

/** Measurements of an interrupted search, next to the plan that it was to write. */
export function measuredPath(out: string): string {
  return `${out}.measured`
}

/** Values that a method has learned in the search: next to the plan, so that no file of values with the plan's own name is replaced. */
export function valuesPath(out: string): string {
  return `${out}.safetensors`
}

/** Finds the fastest plan for a model that loses no more than is allowed, on this machine and by these examples. */
export async function searchPlan(
  file: ModelFile,
  data: TaskInputs,
  args: SearchArguments,
  context: Context,
): Promise<FoundPlan> {
  const deadline = deadlineAfter(context.signal)
  const began = performance.now()
  const processorBefore = processorMs()
  const catalog = await loadMethods(args.plugin)
  const { methods, variants } = await candidatesOf(args, catalog)
  const lessons = new Map<string, Uint8Array>()
  const learn = async (method: MethodToTeach): Promise<TrainedValues> => {
    const bytes = await teach(file, method, data, context)
    lessons.set(method.entry.name, bytes)
    return readSafetensors(bytes)
  }
  const optimized = await search(file, data, { methods, variants, learn }, args, { ...context, deadline })
  const plan = optimized.regimes.at(-1)?.plan ?? { format: 1, method: 'none' }
  const own = catalog.get(plan.method)?.entry
  const learned = lessons.get(plan.method)
  return {
    ...{ optimized, plan, deadline, weights: own && takesTrainedValues(own) ? args.weights : undefined },
    ...(learned && { learned }),
    work: {
      seconds: inSeconds(performance.now() - began),
      processorSeconds: inSeconds(processorMs() - processorBefore),
      peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    },
  }
}

interface Candidates {
  readonly methods: readonly MethodEntry[]
  readonly variants: readonly Variant[]
}

/** The values that a method learns during the search, as a safetensors file. */
async function teach(
  file: ModelFile,
  method: MethodToTeach,
  { task }: TaskInputs,
  { progress, signal }: Context,
): Promise<Uint8Array> {
  progress.stage(`training ${method.entry.name} on ${grouped(method.inputs.targets.length)} examples`)
  return await teachMethod({
    ...{ ...method, dense: file.model, source: file.hash(), runtime: nodeRuntime() },
    gives: task === 'ranking' ? 'score' : task === 'embeddings' ? 'vector' : 'logits',
    load: (model) => loadSession(nodeRuntime(), model, file, { threads: 1, signal }),
    observer: { onWork: ({ done, total }) => progress.step(done, total) },
    signal,
  })
}

/** Methods that are named; else all, by their recipes, and those of plugins that have neither recipes nor trained values. */
async function candidatesOf(
  { methods, plugin = [], weights }: SearchArguments,
  catalog: MethodCatalog,
): Promise<Candidates> {
  if (methods !== undefined) {
    const entries = methods.split(',').map((name) => findMethod(catalog, name.trim()))
    return { methods: [], variants: await variantsOf(entries, weights) }
  }
  await variantsOf([], weights)
  const all = [...catalog.values()]
  const plain = all.filter(
    ({ entry, from }) => plugin.includes(from) && entry.recipes === undefined && !needsValues(entry.create()),
  )
  return {
    methods: all.map(({ entry }) => entry),
    variants: plain.map(({ entry }) => ({ entry, optional: true })),
  }
}

async function search(
  file: ModelFile,
  data: TaskInputs,
  { methods, variants, learn }: Candidates & Required<Pick<OptimizeOptions, 'learn'>>,
  args: SearchArguments,
  { progress, signal, deadline }: Context & { readonly deadline: AbortSignal },
): Promise<OptimizedPlan> {
  const { confident = false, cascade = false, 'plan-out': planOut } = args
  const minutes = args.minutes ?? (planOut === undefined ? MINUTES : undefined)
  const device = await openDevice(args.for)
  const { protect, encoder, ...segment } = readSettings(args)
  const protection = { ...(protect !== undefined && { protect }), ...(await segmentOf(file, segment)) }
  const form = await formHere()
  const subject = {
    ...{ source: file.hash(), examples: data.inputs as ModelInputs, device },
    judged: data.task === 'embeddings' ? data.judged : undefined,
    // A confident bound divides the examples in another way.
    settings: { encoder, ...protection, confident, minutes },
    ...(args.weights !== undefined && {
      values: await readInput(args.weights, { code: 'TP_WEIGHTS', advice: 'name a safetensors file' }),
    }),
  }
  const measured = planOut === undefined ? {} : await keepMeasurements(measuredPath(planOut), subject, args.resume)
  let stage: OptimizeProgress['stage'] | undefined
  progress.expect?.(counted.length)
  progress.stage('preparing', 0)
  signal.addEventListener('abort', () =>
    progress.note('[tp] finishing with the best so far; Ctrl-C again stops at once'),
  )
  return await withTaskData(data, { signal, runtime: device }, (opened) =>
    optimize({
      ...{ model: file.model, data: opened, runtime: nodeRuntime(), device },
      ...{ enough: signal, signal: deadline, methods, variants, learn, ...measured },
      ...{ protection, confident, cascade, maxLoss: readDemands(args).maxLoss },
      load: (own, model, { threads }) => loadSession(own, model, file, { threads, signal: deadline }),
      ...(encoder !== undefined && { encoder }),
      ...(minutes !== undefined && { minutes }),
      // One file is for all sizes.
      ...(planOut === undefined && { grid: [] }),
      quantize: args.float32 ? false : form,
      ...(args['all-layers'] && { leaveOut: false }),
      ...(args.shapes && { shapes: args.shapes }),
      onProgress(at) {
        const index = counted.indexOf(at.stage)
        if (at.stage !== stage) progress.stage(stageTexts[at.stage], index < 0 ? undefined : index)
        stage = at.stage
        if (at.total > 0) progress.step(at.done, at.total, at.best === undefined ? undefined : `best so far ${at.best}`)
      },
      onSkipped: ({ name, reason }) => progress.note(`${name} is not tried: ${reason}`),
    }),
  )
}

/** `any`: operators of every runtime, timed in Node's. */
async function openDevice(name = 'any'): Promise<Runtime> {
  return await openRuntime(name === 'any' ? 'node' : name)
}

/** @throws TpError TP_UNKNOWN_METHOD, TP_RUNTIME, TP_PLUGIN, before anything is read */
export async function checkNames({ methods, plugin, ...args }: SearchArguments): Promise<void> {
  const catalog = await loadMethods(plugin)
  for (const name of methods?.split(',') ?? []) findMethod(catalog, name.trim())
  await openDevice(args.for)
}
