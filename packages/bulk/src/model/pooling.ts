import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'

/** How a vector is made of those of the tokens, where the model does not do it itself. */
export interface Pooling {
  readonly of: 'mean' | 'class token' | 'last token'
  /** Whether vectors are brought to length 1. */
  readonly isNormalised: boolean
}

/** Paths of the files in which Sentence Transformers says how a model pools, whether they exist or not. */
export function poolingFiles(modelPath: string): string[] {
  const folder = dirname(modelPath)
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]
  return folders.flatMap((each) => [join(each, 'modules.json'), join(each, '1_Pooling', 'config.json')])
}

/**
 * Reads how a model pools, from the files that Sentence Transformers writes; without them the mean, of length 1.
 * @throws TpError TP_POOLING for a way that is not supported
 */
export async function readPooling(modelPath: string): Promise<Pooling> {
  const [modules, config] = await Promise.all(['modules.json', 'config.json'].map((name) => readFirst(modelPath, name)))
  const isNormalised = Array.isArray(modules) ? modules.some(({ type }) => String(type).endsWith('Normalize')) : true
  if (config === undefined) return { of: 'mean', isNormalised }
  const asked = Object.entries(config as object).flatMap(([key, value]) =>
    key.startsWith('pooling_mode_') && value === true ? [key] : [],
  )
  const [mode = 'pooling_mode_mean_tokens'] = asked
  const of = modes[mode]
  if (of !== undefined && asked.length < 2) return { of, isNormalised }
  throw new TpError(
    'TP_POOLING',
    'bulk',
    `${modelPath} pools by ${asked.join(' and ')}; known are ${Object.keys(modes).join(', ')}`,
  )
}

const modes: Readonly<Record<string, Pooling['of']>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'class token',
  pooling_mode_lasttoken: 'last token',
}

async function readFirst(modelPath: string, name: string): Promise<unknown> {
  for (const path of poolingFiles(modelPath).filter((each) => basename(each) === name)) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new TpError('TP_DATA', 'bulk', `${path}: is invalid JSON`, { cause })
    }
  }
  return undefined
}
