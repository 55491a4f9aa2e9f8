import {
  isRefused,
  MASK,
  type PruneReport,
  readAnyStates,
  readProvenance,
  reportOf,
  transform,
  transformsOf,
  weighStates,
} from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { decodeModel, encodeModel, externalTensors, Graph, type Model, type ReadExternal } from '@tp/onnx'
import { platform } from '#platform'
import type { Load } from './load.ts'
import { type PruneOutcome, refused } from './model-report.ts'
import type { PipelineSessionOptions } from './platform/platform.ts'

/** The source of a session; `bytes` and `options` are absent where that is the file as it is. */
interface PrunedFile {
  /** Absent for a decoder. */
  readonly outcome?: PruneOutcome
  readonly bytes?: Uint8Array
  readonly options?: PipelineSessionOptions
}

const tooFewRows = refused(
  'TP_RESTORE',
  'restore is "none", and pipelines could not read outputs that have rows for fewer tokens; omit it, and a mean over tokens is ' +
    'that over the kept ones all the same',
)

const masked = refused(
  'TP_FILES',
  'its decoder takes a mask of the rows that are padding, and would attend to those of pruned tokens; only encoders of frames or ' +
    'pixels alone are pruned next to a decoder',
)

/** The inputs that transformers.js hands to a decoder. */
const STATES = 'last_hidden_state'

/**
 * Prunes what a session is about to be made of: a path in Node, bytes in a browser. Never rejects: there one rejection
 * would make transformers.js unable to load any model until the page is reloaded.
 * @returns undefined for a decoder that remains as it is next to the encoder that is pruned
 */
export async function pruneFile(
  file: string | Uint8Array,
  options: PipelineSessionOptions,
  load: Load,
): Promise<PrunedFile | undefined> {
  const { recipe, hasDecoder, repairsDecoder = false } = load
  const isNamedDecoder = hasDecoder && typeof file === 'string' && isDecoder(file.replace(/^.*[\\/]/, ''))
  if (isNamedDecoder && !repairsDecoder) return undefined
  let begin: (encoder: Model | undefined) => void = () => {}
  try {
    if (!isNamedDecoder && typeof file === 'string') begin = beginEncoder(load)
    const source = await platform.open(file)
    const external = source.readPart ?? partsOf(options.externalData ?? [])
    const model = decodeModel(source.bytes, { external })
    // In a browser files have no names.
    const { inputs, outputs } = new Graph(model)
    if (isNamedDecoder || (hasDecoder && inputs.some(({ name }) => name === 'encoder_hidden_states'))) {
      const repaired = repairsDecoder ? await repairedDecoder(model, load) : undefined
      return repaired && asSession(repaired, source, options)
    }
    if (typeof file !== 'string') begin = beginEncoder(load)
    if (hasDecoder && !(inputs.length === 1 && inputs[0]?.type.startsWith('float'))) return { outcome: masked }
    if (readProvenance(model).length > 0) return { outcome: { outcome: 'pruned before' } }
    // Next to a decoder transformers.js reads nothing else. Attentions, which encoders have for word time stamps, could not be restored.
    const isRead = hasDecoder && outputs.some(({ name }) => name === STATES)
    const plan = isRead ? { ...recipe.plan, outputs: [STATES] } : recipe.plan
    const result = transform(model, ...transformsOf(plan, recipe.methods))
    const isCompact = new Graph(result.model).outputs.some(({ name }) => name.startsWith(MASK))
    if (isCompact && !hasDecoder) return { outcome: tooFewRows }
    const pruned = reportOf(result.reports, 'prune') as PruneReport
    if (plan.restore === 'weighed') begin(model)
    const encoders = pruned.encoders.map(({ name, layerCount, cuts }) => ({
      name,
      layerCount,
      cuts: cuts.map((cut) => cut.layer),
    }))
    return {
      outcome: { outcome: 'pruned', plan: recipe.plan, encoders },
      ...asSession(result.model, source, options),
    }
  } catch (error) {
    if (isRefused(error)) return { outcome: refused(error.refusal.code, error.refusal.message) }
    return { outcome: refused(...reasonOf(error)) }
  } finally {
    begin(undefined)
  }
}

/** Lets a decoder wait for what becomes of its encoder; what is returned ends that, once. */
function beginEncoder(load: Load): (encoder: Model | undefined) => void {
  let begin: (encoder: Model | undefined) => void = () => {}
  // Known from an earlier attempt.
  load.encoder ??= new Promise((resolve) => {
    begin = resolve
  })
  return begin
}

/** A decoder that reads any number of states, and weighs them if the plan says so; undefined where it cannot be made one. */
async function repairedDecoder(model: Model, load: Load): Promise<Model | undefined> {
  try {
    if (load.recipe.plan.restore !== 'weighed') return transform(model, readAnyStates()).model
    load.weighs = false
    load.isLate = load.encoder === undefined
    const encoder = await load.encoder
    if (encoder === undefined) return undefined
    const weighing = transform(model, readAnyStates(), weighStates({ encoder })).model
    load.weighs = true
    return weighing
  } catch (error) {
    if (isRefused(error)) return undefined
    throw error
  }
}

/** The source of a session in place of the file that was opened. */
function asSession(
  model: Model,
  { folder }: { readonly folder?: string },
  options: PipelineSessionOptions,
): Required<Pick<PrunedFile, 'bytes' | 'options'>> {
  const isWhole = externalTensors(model).length === 0
  return { bytes: encodeModel(model), options: isWhole ? options : withFolder(options, folder) }
}

/** Whether a file of this name is a decoder that reads what an encoder produces. */
export function isDecoder(file: string): boolean {
  return file.startsWith('decoder_')
}

/** Code and message of an error, for a refusal. */
export function reasonOf(error: unknown): [code: string, reason: string] {
  return isTpError(error) ? [error.code, error.message] : ['TP_LOAD', String(error)]
}

/** Reads data files that were loaded beforehand, as they are in browsers. */
function partsOf(files: NonNullable<PipelineSessionOptions['externalData']>): ReadExternal {
  return (location, offset, length) => {
    for (const file of files) {
      if (typeof file === 'object' && file.path === location && file.data instanceof Uint8Array) {
        return file.data.subarray(offset, offset + length)
      }
    }
    throw new TpError('TP_EXTERNAL_DATA', 'transformers', `the data file ${location} was not loaded`)
  }
}

/** onnxruntime looks for data files next to the model's path, and bytes have none. */
function withFolder(options: PipelineSessionOptions, folder: string | undefined): PipelineSessionOptions {
  if (folder === undefined) return options
  const session = { ...options.extra?.session, model_external_initializers_file_folder_path: folder }
  return { ...options, extra: { ...options.extra, session } }
}
