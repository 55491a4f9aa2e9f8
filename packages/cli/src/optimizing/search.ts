import { inputRoles, isText, shapesToTime } from '@tp/compare'
import type { Plan } from '@tp/compiler'
import { needsValues } from '@tp/core/host'
import type { Runtime } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { readModelFolder } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { ModelInputs } from '@tp/data/inputs'
import {
  type FindPlanOptions,
  type FindProgress,
  findPlan,
  type TunedPlan,
  type TuneOptions,
  usualMethods,
  type Variant,
} from '@tp/optimize'
import { segmentOf } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import { fingerprint } from '@tp/train'
import { type demandOptions, readDemands } from '../arguments/demand-options.ts'
import type { Arguments } from '../arguments/option.ts'
import type { pruningOptions, quantizeOption } from '../arguments/pruning-options.ts'
import { readSettings } from '../arguments/read-fields.ts'
import type { runtimeOption } from '../arguments/runtime-option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { type TaskInputs, withTaskData } from '../model/open-task-inputs.ts'
import { findMethod, loadMethods, type MethodCatalog } from '../plugins/load-methods.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { formHere } from '../quantizing/quantize-file.ts'
import { measuredPath, readMeasured, writeMeasured } from './measured-file.ts'
import { fingerprintOf, takesTrainedValues, variantsOf } from './variants.ts'

/** Options of a search. */
export type SearchArguments = Arguments<
  typeof pruningOptions & typeof quantizeOption & typeof demandOptions & typeof runtimeOption
> & {
  readonly methods?: string
  readonly minutes?: number
  readonly shapes?: Parameters<typeof shapesToTime>[1]
  readonly cascade?: boolean
  readonly 'leave-out'?: boolean
  readonly resume?: boolean
  /** The file of the plan, next to which measurements are kept. */
  readonly 'plan-out'?: string
}

/** The fastest plan that was found. */
export interface FoundPlan {
  readonly tuned: TunedPlan
  /** Of the largest runs; of `none` where nothing holds that is faster. */
  readonly plan: Plan
  /** File of the trained values of its method, if that takes some. */
  readonly weights: string | undefined
  readonly seconds: number
  /** Whether the time ended the search. */
  readonly isCutShort: boolean
}

/** Minutes of a search whose plan is not kept. */
const MINUTES = 10

const stageTexts: Readonly<Record<FindProgress['stage'], string>> = {
  example: 'timing one example',
  vectors: 'running the model as it is',
  latency: 'timing the model',
  sensitivity: 'looking how much each layer needs its tokens',
  search: 'choosing',
  verification: 'comparing the fastest',
  regimes: 'timing the plan',
}
/** Those of one bar. */
const counted = Object.keys(stageTexts).slice(2)

/** Finds the fastest plan for a model that loses no more than is allowed, on this machine and by these examples. */
export async function searchPlan(
  file: ModelFile,
  data: TaskInputs,
  args: SearchArguments,
  context: Context,
): Promise<FoundPlan> {
  const began = performance.now()
  const { weights, plugin = [], 'plan-out': planOut } = args
  const catalog = await loadMethods(plugin)
  const entries = methodNames(file, data.task, args, catalog).map((name) => findMethod(catalog, name))
  // The default methods are optional: one that the model cannot serve is skipped.
  const optional = args.methods === undefined
  const variants = (await variantsOf(entries, weights)).map((variant) => ({ ...variant, optional }))
  const limit = args.minutes ?? (planOut === undefined ? MINUTES : undefined)
  const tuned = await search(file, data, { variants, limit, args }, context)
  const ms = performance.now() - began
  const plan = tuned.regimes.at(-1)?.plan ?? { format: 1, method: 'none' }
  const own = entries.find(({ name }) => name === plan.method)
  return {
    ...{ tuned, plan, weights: own && takesTrainedValues(own) ? weights : undefined },
    ...{ seconds: Math.round(ms / 100) / 10, isCutShort: limit !== undefined && ms > 0.6 * limit * 60_000 },
  }
}

interface Search {
  readonly variants: readonly Variant[]
  readonly limit: number | undefined
  readonly args: SearchArguments
}

async function search(
  file: ModelFile,
  data: TaskInputs,
  { variants, limit, args }: Search,
  context: Context,
): Promise<TunedPlan> {
  const { progress, signal } = context
  const { confident = false, cascade = false, quantize = false, 'leave-out': leaveOut = false } = args
  const device = await openRuntime(args.runtime)
  const { protect, encoder, ...segment } = readSettings(args)
  const protection = { ...(protect !== undefined && { protect }), ...(await segmentOf(file, segment)) }
  const settings = { encoder, ...protection }
  const form = quantize && args['plan-out'] === undefined ? await formHere() : {}
  const { maxTokens } = await readModelFolder(file.path)
  const shapes = args.shapes === undefined ? undefined : shapesToTime(inputRoles(file.model), args.shapes, maxTokens)
  let stage: FindProgress['stage'] | undefined
  return await withTaskData(data, { signal, runtime: device }, (opened) =>
    findPlan({
      ...{ model: file.model, data: opened as FindPlanOptions['data'], minutes: limit, runtime: nodeRuntime(), device },
      ...{ variants, protection, confident, cascade, leaveOut, maxLoss: readDemands(args).maxLoss, signal },
      load: (own, model, { threads }) => loadSession(own, model, file, { threads, signal }),
      ...(encoder !== undefined && { encoder }),
      ...(quantize && { quantize: form }),
      ...(shapes && {
        shapes: shapes.map(({ batch, tokens }) => ({ batch, ...(tokens !== undefined && { tokens }) })),
      }),
      async prepare(inputs) {
        const measured = await measurementsOf(args, () =>
          // A confident bound divides the examples in another way.
          subjectOf(file, inputs as ModelInputs, args.weights, device, { ...settings, confident }),
        )
        progress.expect?.(counted.length)
        progress.stage('preparing', 0)
        return measured
      },
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

/** Measurements that are kept next to the plan. */
async function measurementsOf(
  { 'plan-out': planOut, resume = false }: SearchArguments,
  subject: () => Promise<string>,
): Promise<Pick<TuneOptions, 'known' | 'onMeasured'>> {
  if (planOut === undefined) return {}
  const measured = measuredPath(planOut)
  const about = await subject()
  return {
    onMeasured: (known) => writeMeasured(measured, { about, known }),
    ...(resume && { known: await readMeasured(measured, about) }),
  }
}

/** A text by which measurements of the same model, data, runtime and settings are known again. */
async function subjectOf(
  file: ModelFile,
  inputs: ModelInputs,
  weights: string | undefined,
  device: Runtime,
  settings: object,
): Promise<string> {
  const { version } = await device.diagnose()
  const trained = weights === undefined ? '' : ` ${await fingerprintOf(weights)}`
  return `${file.hash()} ${await fingerprint(inputs)} ${version}${trained} ${JSON.stringify(settings)}`
}

/** Methods to choose from: those that are named, or those that suit the model, and those of plugins that need no trained values. */
function methodNames(
  file: ModelFile,
  task: TaskInputs['task'],
  { methods, plugin = [] }: SearchArguments,
  catalog: MethodCatalog,
): string[] {
  if (methods !== undefined) return methods.split(',').map((name) => name.trim())
  const own = [...catalog.values()].filter(({ from }) => plugin.includes(from))
  const kind =
    task === 'asr' ? 'speech' : task === 'embeddings' ? 'vectors' : isText(inputRoles(file.model)) ? 'text' : 'other'
  const untrained = own.filter(({ entry }) => !needsValues(entry.create())).map(({ entry }) => entry.name)
  return [...usualMethods[kind], ...untrained]
}

/** @throws TpError TP_UNKNOWN_METHOD, TP_RUNTIME, TP_PLUGIN, before anything is read */
export async function checkNames({ methods, plugin, runtime }: SearchArguments): Promise<void> {
  const catalog = await loadMethods(plugin)
  for (const name of methods?.split(',') ?? []) findMethod(catalog, name.trim())
  await openRuntime(runtime)
}

/** @throws TpError TP_USAGE for a task by which no plan is chosen */
export function requireTunable({ task }: TaskInputs): void {
  if (task === 'tokens')
    throw usageError(
      'tp optimize is for models that give classes, scores, vectors or words; tp eval compares methods on this one',
    )
}
