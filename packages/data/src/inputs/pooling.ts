import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import type { ValueInfo } from '@tp/core/runtime'
import { poolingRecipe } from './pooling-recipes.ts'

/** How a vector is made of those of the tokens, where the model does not do it itself. */
export interface Pooling {
  readonly of: 'mean' | 'maximum' | 'class token' | 'last token' | 'SPLADE maximum'
  /** Whether vectors are brought to length 1. */
  readonly isNormalized: boolean
  /** The name by which its training recipe is known, where no file of Sentence Transformers decides. */
  readonly knownAs?: string
  /** Other demands of the folder that cannot be met: then `of` is not what it says. */
  readonly unsupported?: string
}

/** A pooling that is applied. */
export interface RequiredPooling extends Pooling {
  /** Which one was taken, and why, where no file decides. */
  readonly note?: string | undefined
}

/** The assumption for a model whose folder does not say how it pools. */
const USUAL_POOLING: Pooling = { of: 'mean', isNormalized: true }

/** One step of a model as Sentence Transformers lists them in modules.json. */
export interface SentenceModule {
  /** Its class without packages: `Pooling`. */
  readonly type: string
  /** Its folder, relative to that of modules.json; empty for the same, or where it is not named. */
  readonly path: string
}

/** The mode of `SpladePooling` that is supported: of log(1 + relu(x)). */
const SPARSE = 'max of relu'

/** By the name of the mode, which newer versions of Sentence Transformers write, or by its flag. */
const modes: ReadonlyMap<string, Pooling['of']> = new Map([
  ['mean', 'mean'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['max', 'maximum'],
  ['pooling_mode_max_tokens', 'maximum'],
  ['cls', 'class token'],
  ['pooling_mode_cls_token', 'class token'],
  ['lasttoken', 'last token'],
  ['pooling_mode_lasttoken', 'last token'],
  [SPARSE, 'SPLADE maximum'],
])

/** Modules that change nothing of a pooled vector but its length. */
const harmless: readonly string[] = ['Pooling', 'SpladePooling', 'Normalize', 'Dropout']

/** The modules of a modules.json in their order; empty for anything else. */
export function sentenceModules(json: unknown): SentenceModule[] {
  return Object.values(isRecord(json) || Array.isArray(json) ? json : {}).flatMap((entry: unknown) => {
    if (!isRecord(entry) || typeof entry.type !== 'string') return []
    const type = entry.type.split('.').at(-1) as string
    return [{ type, path: typeof entry.path === 'string' ? entry.path : '' }]
  })
}

/** The files and names that tell how a model pools. */
interface PoolingSources {
  /** Those of modules.json, of which the first is the model itself; none without that file. */
  readonly modules: readonly SentenceModule[]
  /** The configuration of the module `Pooling`, read as JSON; undefined where there is none. */
  readonly config: object | undefined
  /** Names of the model, or paths that end in one; the surest first. */
  readonly names: readonly string[]
  /** Of config.json. */
  readonly architectures: readonly string[]
}

/**
 * How a model pools, by the files of Sentence Transformers, and without them by the training recipe of its name.
 * @returns undefined if neither tells it
 */
export function poolingOf({ modules, config, names, architectures }: PoolingSources): Pooling | undefined {
  if (modules.length === 0 && config === undefined) {
    const recipe = poolingRecipe(names, architectures)
    return recipe && { of: recipe.of, isNormalized: true, knownAs: recipe.name }
  }
  const isNormalized = modules.length === 0 || modules.some(({ type }) => type === 'Normalize')
  // Scores of words (a masked-language head) become one sparse vector. Formal et al., SPLADE v2, 2021, equation 6.
  const isSparse = modules.some(({ type }) => type === 'SpladePooling')
  const usual = isSparse ? SPARSE : 'mean'
  const named = config === undefined ? [] : isSparse ? [sparseMode(config)] : modesOf(config)
  const of = named.length > 1 ? undefined : modes.get(named[0] ?? usual)
  const other = modules.slice(1).find(({ type }) => !harmless.includes(type))
  const isMissing = config === undefined && modules.some(({ type }) => type === 'Pooling')
  const unsupported =
    other !== undefined
      ? `modules.json passes its vectors through ${other.type}, which the ONNX file does not hold`
      : isMissing
        ? 'modules.json names a Pooling whose config.json (1_Pooling/config.json) is missing'
        : `its vectors are pooled by ${named.join(' and ')}, and only ${isSparse ? usual : 'one of mean, max, cls and lasttoken'} is supported`
  if (of !== undefined && other === undefined && !isMissing) return { of, isNormalized }
  return { of: of ?? (modes.get(usual) as Pooling['of']), isNormalized, unsupported }
}

/** The same for the module `SpladePooling`. */
function sparseMode(config: object): string {
  const { pooling_strategy: strategy = 'max', activation_function: activation = 'relu' }: SparseConfig = config
  return `${strategy} of ${activation}`
}

interface SparseConfig {
  readonly pooling_strategy?: unknown
  readonly activation_function?: unknown
}

/** The modes that a configuration names; flags that are set. */
function modesOf(config: object): string[] {
  const { pooling_mode: named }: { readonly pooling_mode?: unknown } = config
  if (named !== undefined) return [named].flat().map((mode) => (typeof mode === 'string' ? mode : JSON.stringify(mode)))
  return Object.entries(config).flatMap(([key, value]) =>
    key.startsWith('pooling_mode_') && value === true ? [key] : [],
  )
}

/**
 * The pooling of a model of any form: without one the mean, with a note.
 * @param path of the model, for the message
 * @param output that vectors are read from; one of two axes is the vector itself, however others would pool
 * @throws TpError TP_POOLING for a way that is not supported
 */
export function requirePooling(
  pooling: Pooling | undefined,
  path: string,
  output?: Pick<ValueInfo, 'dims'> | undefined,
): RequiredPooling {
  const used = pooling ?? USUAL_POOLING
  const { unsupported } = used
  if (output?.dims.length === 2) return used
  if (unsupported === undefined) return { ...used, note: output && noteOn(pooling, output) }
  const advice = 'complete its folder, or export the model with an output sentence_embedding'
  throw new TpError('TP_POOLING', 'data', `${path}: ${unsupported}; ${advice}`)
}

function noteOn(pooling: Pooling | undefined, { dims }: Pick<ValueInfo, 'dims'>): string | undefined {
  if (pooling?.knownAs !== undefined) return `token states are pooled ${poolingText(pooling)}; ${OTHERWISE}`
  // Of one row every pooling is that row.
  if (pooling !== undefined || dims[1] === 1) return undefined
  return `no file next to the model tells how its token states become a vector: assumed to be their mean; ${OTHERWISE}`
}

const OTHERWISE =
  'if it was trained otherwise, write {"pooling_mode":"cls"} (or "mean", "max", "lasttoken") to 1_Pooling/config.json next to it'

/** `by the class token, then divided by the length (1_Pooling/config.json)` */
export function poolingText(pooling: Pooling): string {
  const { of, isNormalized, unsupported } = pooling
  const how = of === 'mean' || of === 'maximum' ? `${of} of the tokens` : of
  const length = isNormalized ? ', then divided by the length' : ''
  return unsupported ?? `by the ${how}${length} (${poolingSource(pooling)})`
}

/** The source of a pooling, for messages. */
export function poolingSource({ knownAs }: Pooling): string {
  return knownAs === undefined ? '1_Pooling/config.json' : `the training recipe of ${knownAs}`
}

/** One vector [D] of those of an example's tokens, one or more, without padding. */
export function pool(tokens: readonly Float32Array[], by: Pooling['of']): Float64Array {
  const [first, last] = [tokens[0], tokens.at(-1)] as [Float32Array, Float32Array]
  if (by === 'class token' || by === 'last token') return Float64Array.from(by === 'class token' ? first : last)
  const all = Float64Array.from(first)
  for (const token of tokens.slice(1)) {
    for (const [i, value] of token.entries())
      all[i] = by === 'mean' ? (all[i] as number) + value : Math.max(all[i] as number, value)
  }
  if (by === 'SPLADE maximum') return all.map((value) => Math.log1p(Math.max(0, value)))
  return by === 'mean' ? all.map((value) => value / tokens.length) : all
}
