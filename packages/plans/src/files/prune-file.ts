import { shapesOf, type Trial, trialsFor, type VerifiedPruning, verifyPruning } from '@tp/compare'
import {
  fixImageSize,
  fromPlan,
  type Inspection,
  type inspect,
  leaveOut,
  type PruneOptions,
  type PruneReport,
  prune,
  type QuantizeReport,
  reportOf,
  transform,
  transformsOf,
  type UnplannedOptions,
} from '@tp/compiler'
import { TpError } from '@tp/core'
import { type Session, throwIfAborted } from '@tp/core/runtime'
import { type ModelFile, readModel, sizeOfFiles } from '@tp/data'
import { loadSession, stageModel, withModelAsFile } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { boundedProcess, boundsFor, type RunSize } from '@tp/runtime-node/bounded'
import { requireKeptRows } from './as-pooled.ts'
import { type FilePlan, inspectEncoders, planForFile } from './file-plan.ts'

/** Runs work that may take long; a caller may do that in a way that it can break off. */
type Compute = <T>(work: () => T) => T

export interface PruneFileOptions extends Omit<UnplannedOptions, 'values' | 'params' | 'source'> {
  /** The inspection of the file without a name of an encoder, if it is known. */
  readonly seen?: ReturnType<typeof inspect>
  readonly compute?: Compute
}

/** A model that was pruned, and what was done to it. */
export interface PrunedModelFile extends Omit<PruneReport, 'transform'> {
  readonly model: Model
  /** The file that it was made of, without the layers that the plan leaves out. */
  readonly file: ModelFile
  /** Of that file, the encoders that the plan is about. */
  readonly inspections: readonly [Inspection, ...Inspection[]]
  /** As it was pruned. */
  readonly options: PruneOptions
  /** Nodes in 8 bits, where the plan asks for that. */
  readonly quantized?: QuantizeReport['nodes']
  /** Whether the plan packs it, so that only `@tp/runtime-native` runs it. */
  readonly packed: boolean
}

/**
 * A file without the layers that its plan leaves out.
 * @throws Refused; TpError TP_LAYERS, TP_ENCODER
 */
export function withoutItsLayers(file: ModelFile, { plan: { leaveOut: layers = [], encoder } }: FilePlan): ModelFile {
  return layers.length === 0 ? file : { ...file, model: transform(file.model, leaveOut({ layers, encoder })).model }
}

/** The file as it is, or with the size of its images that the plan says. */
function withItsImageSize(file: ModelFile, { plan: { imageSize } }: FilePlan): ModelFile {
  return imageSize === undefined ? file : { ...file, model: transform(file.model, fixImageSize({ imageSize })).model }
}

/**
 * Prunes a model that was read from a file; `pruneFile` also writes it.
 * @throws Refused; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS, TP_LAYERS, and as `planForFile`
 */
export async function pruneModelFile(
  whole: ModelFile,
  planned: FilePlan,
  { seen, compute = (work) => work(), ...unplanned }: PruneFileOptions = {},
): Promise<PrunedModelFile> {
  const { methods, values } = planned
  const file = compute(() => withoutItsLayers(withItsImageSize(whole, planned), planned))
  const inspections = inspectEncoders(file.model, planned.plan.encoder, file === whole ? seen : undefined)
  const { leaveOut: _, imageSize: __, ...plan } = await planForFile(file, planned, inspections)
  const options = { ...fromPlan(plan, methods, values), source: file.hash() }
  const among = inspections.map(({ encoder }) => encoder)
  const prunesTokens = inspections.some(({ encoder: name, layers: { length: layerCount }, open }) => {
    return options.schedule({ name, layerCount, open, among }).size > 0
  })
  if (prunesTokens) await requireKeptRows(file)
  const transforms = transformsOf(plan, methods, { ...unplanned, values, source: options.source })
  const { model, reports } = compute(() => transform(file.model, ...transforms))
  const { layerCount, cuts, encoders } = reportOf(reports, 'prune') as PruneReport
  const rounded = reportOf(reports, 'quantize')
  const packed = reportOf(reports, 'pack') !== undefined
  const done = { model, file, inspections, options, layerCount, cuts, encoders, packed }
  return { ...done, ...(rounded && { quantized: rounded.nodes }) }
}

export interface VerifyFileOptions {
  /** The file as it was read. */
  readonly whole: ModelFile
  /** Where the pruned model can be loaded from. */
  readonly path: string
  readonly signal: AbortSignal
  /** URL of `@tp/runtime-native`, for a packed file. */
  readonly native?: string | undefined
  readonly compute?: Compute
}

/**
 * Verifies a pruned model in a process of its own with limits, before its weights are stored in 8 bits, if they are. Where layers are left
 * out, the dense model is that without them, which is not what lies at the path of its file.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED; TP_RUNTIME for a packed file
 * without `native`
 */
export async function verifyPrunedFile(
  pruned: PrunedModelFile,
  { whole, path, signal, native, compute = (work) => work() }: VerifyFileOptions,
): Promise<VerifiedPruning> {
  const { file, options, packed } = pruned
  if (packed && native === undefined) {
    const seen = 'the plan packs the file, and only @tp/runtime-native runs packed files'
    throw new TpError('TP_RUNTIME', 'plans', `${seen}; give its URL as \`native\`, or do not verify`)
  }
  const module = packed && native !== undefined ? { module: native } : {}
  const [inspection] = pruned.inspections
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(inspection, trialsFor(file.model, inspection)))
  await using process = boundedProcess(signal)
  // Each within what a model of its size may take.
  const load = (from: string): Promise<Session> => process.load(from, { bounds })
  const open = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, load)
  const { method, outputs, restore } = options
  return await verifyPruning({
    ...{ source: file.model, inspection, pruned, method, outputs, restore, signal },
    prune: async ({ schedules, ...how }) => {
      const schedule: PruneOptions['schedule'] = ({ name }) => schedules.get(name) ?? new Map()
      return compute(() => transform(file.model, prune({ ...options, ...how, schedule }))).model
    },
    openSource: () => (file === whole ? load(file.path) : open(file.model)),
    openPruned: () => process.load(path, { bounds, ...module }),
    open,
    openTimed: (model) => loadSession(nodeRuntime(), model, file, { signal, threads: 1 }),
  })
}

function largestRun(model: Inspection, trials: readonly Trial[]): RunSize {
  const own = typeof model.tokens === 'number' ? model.tokens : 1
  const sizes = shapesOf(trials, model).map(([batch = 1, length = own]) => ({ batch, length }))
  return {
    tokens: Math.max(...sizes.map(({ batch, length }) => batch * length)),
    scores: Math.max(...sizes.map(({ batch, length }) => 4 * batch * model.heads * length ** 2)),
  }
}

/** A file that was pruned and written. */
export interface WrittenFile extends PrunedModelFile {
  readonly bytes: number
  /** Data files that were copied next to it. */
  readonly dataFiles: readonly string[]
  readonly verification?: VerifiedPruning
}

/**
 * Prunes a file by a plan and writes the result, whole or not at all; with `verify` only if it holds.
 * @throws as `pruneModelFile` and `verifyPrunedFile`; TpError TP_WRITE
 * @example
 * const plan = checkPlan(JSON.parse(await readFile('plan.json', 'utf8')), 'plan.json')
 * const { bytes, verification } = await pruneFile('model.onnx', 'pruned.onnx', { plan, methods, verify: true })
 */
export async function pruneFile(
  path: string,
  out: string,
  {
    verify = false,
    signal = new AbortController().signal,
    native,
    ...options
  }: FilePlan &
    PruneFileOptions &
    Pick<VerifyFileOptions, 'native'> & { readonly verify?: boolean; readonly signal?: AbortSignal },
): Promise<WrittenFile> {
  const { plan, methods, values, flops, ...how } = options
  const whole = await readModel(path, { where: 'plans', signal })
  const pruned = await pruneModelFile(whole, { plan, methods, values, flops }, how)
  await using staged = await stageModel(pruned.model, whole, out, signal)
  const verification = verify ? await verifyPrunedFile(pruned, { whole, path: staged.path, signal, native }) : undefined
  throwIfAborted(signal, 'plans')
  await staged.commit()
  const { bytes, dataFiles } = staged
  return { ...pruned, bytes, dataFiles, ...(verification && { verification }) }
}
