import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { QuantizeOptions } from '@tp/compiler'
import { reportsPath } from '../files.ts'
import type { OutsideCase } from '../outside/cases.ts'
import { tp } from '../outside/command-line.ts'
import { dataPath } from '../outside/data.ts'
import type { Rivals } from '../outside/rivals.ts'
import type { EightBitForm } from './rows.ts'

export interface EightBitFilesOptions {
  readonly rivals: Rivals | undefined
  /** Whether files that are there are written again. */
  readonly isNew: boolean
  /** Weights of 8 bits, as this processor takes them. */
  readonly weights: QuantizeOptions
}

/** Files of a model in the forms that run in onnxruntime, made by the command line once; kept in `reports/eight-bits`. */
export async function eightBitFiles(
  one: OutsideCase,
  { rivals, isNew, weights }: EightBitFilesOptions,
): Promise<ReadonlyMap<EightBitForm, string>> {
  const path = one.model()
  const files = new Map<EightBitForm, string>([['published', path]])
  const make = async (form: EightBitForm, write: (out: string) => Promise<unknown>): Promise<string> => {
    const out = reportsPath(`eight-bits/${one.name}/${form}.onnx`)
    await mkdir(dirname(out), { recursive: true })
    if (isNew || !existsSync(out)) await write(out)
    files.set(form, out)
    return out
  }
  if (one.float32 && rivals !== undefined) await make('dynamic', (out) => rivals.quantizeDynamic(path, out, weights))
  const range = rangeArguments(weights)
  const token = await make('token', (out) => tp('quantize', path, '-o', out, ...range))
  if (one.float32 && one.batches.length > 2) {
    const chosenBy = one.choosing ?? one.testing
    const { path: data } = await dataPath(one, 'choosing', chosenBy)
    await make('smoothed', (out) =>
      tp('quantize', path, '-o', out, ...range, '--data', data, '--limit', '64', '--smooth'),
    )
  }
  await make('packed', (out) => tp('pack', token, '-o', out))
  return files
}

/** For `tp quantize`, whose files are the same on every processor without an option. */
export function rangeArguments({ reduceRange }: QuantizeOptions): string[] {
  return reduceRange ? ['--reduce-range'] : []
}
