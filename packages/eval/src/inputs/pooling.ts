import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { readFolderJson } from './model-folder.ts'

/** How a vector is made of those of the tokens, where the model does not do it itself. */
export interface Pooling {
  readonly of: 'mean' | 'maximum' | 'class token' | 'last token'
  /** Whether vectors are brought to length 1. */
  readonly isNormalised: boolean
}

const modes: Readonly<Record<string, Pooling['of']>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_max_tokens: 'maximum',
  pooling_mode_cls_token: 'class token',
  pooling_mode_lasttoken: 'last token',
}

/** Files next to a model in which Sentence Transformers says how it pools. */
const FILES = ['modules.json', join('1_Pooling', 'config.json')] as const

/** Their paths, whether they exist or not. */
export function poolingFiles(modelPath: string): string[] {
  const folder = dirname(modelPath)
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]
  return folders.flatMap((each) => FILES.map((name) => join(each, name)))
}

/**
 * Reads how a model pools, from the files that Sentence Transformers writes; without them the mean, of length 1.
 * @throws TpError TP_POOLING for a way that is not supported, or several; TP_DATA for a file that is invalid JSON
 */
export async function readPooling(modelPath: string): Promise<Pooling> {
  const [modules, config] = await Promise.all(FILES.map((name) => readFolderJson(modelPath, name)))
  const types = Object.values(modules ?? {}).map(({ type }: { readonly type?: unknown }) => String(type))
  const isNormalised = types.length === 0 || types.some((type) => type.endsWith('Normalize'))
  const asked = Object.entries(config ?? {}).flatMap(([key, value]) =>
    key.startsWith('pooling_mode_') && value === true ? [key] : [],
  )
  const [mode = 'pooling_mode_mean_tokens'] = asked
  const of = modes[mode]
  if (of !== undefined && asked.length < 2) return { of, isNormalised }
  const seen = `${modelPath} pools by ${asked.join(' and ')}`
  throw new TpError('TP_POOLING', 'eval', `${seen}; one of ${Object.keys(modes).join(', ')} is known`)
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
  return by === 'mean' ? all.map((value) => value / tokens.length) : all
}
