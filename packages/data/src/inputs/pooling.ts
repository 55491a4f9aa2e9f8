import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import type { ValueInfo } from '@tp/core/runtime'

/** How a vector is made of those of the tokens, where the model does not do it itself. */
export interface Pooling {
  readonly of: 'mean' | 'maximum' | 'class token' | 'last token' | 'SPLADE maximum'
  /** Whether vectors are brought to length 1. */
  readonly isNormalized: boolean
  /** Other demands of the folder that cannot be met: then `of` is not what it says. */
  readonly unsupported?: string
}

/** For a model whose folder does not say how it pools. */
export const USUAL_POOLING: Pooling = { of: 'mean', isNormalized: true }

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

/**
 * How a model pools.
 * @param modules those of modules.json, of which the first is the model itself; none without that file
 * @param config the configuration of the module `Pooling`, read as JSON; undefined where there is none
 * @returns undefined if neither file is there
 */
export function poolingOf(modules: readonly SentenceModule[], config: object | undefined): Pooling | undefined {
  if (modules.length === 0 && config === undefined) return undefined
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
 * The same for models of any form.
 * @param path of the model, for the message
 * @param output that vectors are read from; one of two axes is the vector itself, however others would pool
 * @throws TpError TP_POOLING for a way that is not supported
 */
export function requirePooling(
  pooling: Pooling | undefined,
  path: string,
  output?: Pick<ValueInfo, 'dims'> | undefined,
): Pooling {
  const { unsupported } = pooling ?? USUAL_POOLING
  if (unsupported === undefined || output?.dims.length === 2) return pooling ?? USUAL_POOLING
  const advice = 'complete its folder, or export the model with an output sentence_embedding'
  throw new TpError('TP_POOLING', 'data', `${path}: ${unsupported}; ${advice}`)
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
