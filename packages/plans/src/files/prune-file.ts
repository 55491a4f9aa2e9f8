import {
  fixImageSize,
  fromPlan,
  type Inspection,
  type inspect,
  leaveOut,
  type PruneOptions,
  type PruneReport,
  type QuantizeReport,
  reportOf,
  transform,
  transformsOf,
  type UnplannedOptions,
} from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { type ModelFile, readModel } from '@tp/data'
import { stageModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { requireKeptRows } from './as-pooled.ts'
import { type FilePlan, inspectEncoders, planForFile } from './file-plan.ts'
import { type FileVerification, type VerifyFileOptions, verifyFile } from './verify-file.ts'

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
  /** Whether the plan packs it. */
  readonly packed: boolean
  /** The model that the plan began with, of images of its size, … */
  readonly source: Model
  /** … and what each transform of the plan made of it. */
  readonly steps: readonly Model[]
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
  const sized = compute(() => withItsImageSize(whole, planned))
  const file = compute(() => withoutItsLayers(sized, planned))
  const inspections = inspectEncoders(file.model, planned.plan.encoder, file === whole ? seen : undefined)
  const { leaveOut: _, imageSize: __, ...plan } = await planForFile(file, planned, inspections)
  const options = { ...fromPlan(plan, methods, values), source: file.hash() }
  const among = inspections.map(({ encoder }) => encoder)
  const prunesTokens = inspections.some(({ encoder: name, layers: { length: layerCount }, open }) => {
    return options.schedule({ name, layerCount, open, among }).size > 0
  })
  if (prunesTokens) await requireKeptRows(file)
  const transforms = transformsOf(plan, methods, { ...unplanned, values, source: options.source })
  const { model, steps, reports } = compute(() => transform(file.model, ...transforms))
  const made = { source: sized.model, steps: [file.model, ...steps] }
  const { layerCount, cuts, encoders } = reportOf(reports, 'prune') as PruneReport
  const rounded = reportOf(reports, 'quantize')
  const packed = reportOf(reports, 'pack') !== undefined
  const done = { model, file, inspections, options, layerCount, cuts, encoders, packed, ...made }
  return { ...done, ...(rounded && { quantized: rounded.nodes }) }
}

/**
 * Verifies a pruned model, see {@link verifyFile}: each transform of its plan by itself.
 * @param whole the file as it was read
 * @param path where the pruned model can be loaded from
 * @throws TpError TP_VERIFY, TP_ABORTED
 */
export async function verifyPrunedFile(
  { model, source, options, steps }: PrunedModelFile,
  {
    whole,
    path,
    ...how
  }: Omit<VerifyFileOptions, 'source' | 'steps' | 'methods'> & { readonly whole: ModelFile; readonly path: string },
): Promise<FileVerification> {
  return await verifyFile({ model, path }, whole, { ...how, source, steps, methods: [options] })
}

/** A file that was pruned and written. */
export interface WrittenFile extends PrunedModelFile {
  readonly bytes: number
  /** Data files that were copied next to it. */
  readonly dataFiles: readonly string[]
  readonly verification?: FileVerification
}

/**
 * Prunes a file by a plan, verifies the result unless `verify` is false, and writes it, whole or not at all.
 * @throws as `pruneModelFile` and `verifyPrunedFile`; TpError TP_WRITE
 * @example
 * const plan = checkPlan(JSON.parse(await readFile('plan.json', 'utf8')), 'plan.json')
 * const { bytes, verification } = await pruneFile('model.onnx', 'pruned.onnx', { plan, methods })
 */
export async function pruneFile(
  path: string,
  out: string,
  {
    verify = true,
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
