import { verifyStates } from '@tp/compare'
import { readAnyStates, transform } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { type StagedModel, stageModel } from '@tp/data/files'
import { Graph } from '@tp/onnx'
import { withinBounds } from '@tp/plans/files'
import { type Arguments, type TextOption, text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import { naming } from '../model/refusal-error.ts'
import type { DecoderReport } from '../printing/pruned-report.ts'

export const decoderOptions: Readonly<Record<'decoder' | 'decoder-out', TextOption>> = {
  decoder: text(
    'FILE',
    'for a speech encoder: the decoder that reads its states; no row is then restored by default, and a decoder with a built-in number of states is repaired',
    { reads: 'model' },
  ),
  'decoder-out': text('FILE', 'file for the repaired decoder, where it needs a repair', {
    needs: ['decoder'],
    writes: 'model',
  }),
}

export interface RepairedDecoder {
  readonly report: DecoderReport
  /** The repaired file, not written yet; absent where the decoder stays as it is. */
  readonly staged?: StagedModel
}

interface RepairOptions {
  readonly out: string | undefined
  /** How many states the dense encoder gives, where that is one number. */
  readonly states: number | undefined
  /** Numbers of each state. */
  readonly size: number
  readonly verify: boolean
  readonly signal: AbortSignal
}

/**
 * @param option the option for pruned positions; a plan without one means `auto`
 * @throws TpError TP_USAGE for options that mean nothing with or without a decoder
 */
export function checkDecoderOptions(
  args: Arguments<typeof decoderOptions> & { readonly plan?: string },
  option: string | undefined,
): void {
  const { decoder, plan } = args
  const restore = option ?? (plan === undefined ? 'none' : 'auto')
  if (decoder === undefined || restore === 'none') return
  const seen = `restore is ${restore}, and with it every decoder reads as many states as of the dense encoder`
  throw usageError(`${seen}; omit --decoder, or restore`)
}

/**
 * Makes a decoder read any number of states, if it does not yet. Nothing is written before `commit`.
 * @throws RefusalError; TpError TP_USAGE where it has to be repaired and no file is named for it, TP_VERIFY, TP_WRITE, TP_ABORTED
 */
export async function repairDecoder(
  file: ModelFile,
  { out, states, size, verify, signal }: RepairOptions,
): Promise<RepairedDecoder> {
  const repair = readAnyStates(states === undefined ? {} : { states })
  const { model, reports } = named(file, () => transform(file.model, repair))
  const [{ builtIn, inputs }] = reports
  requireSize(file, inputs, size)
  if (builtIn === undefined) return { report: { decoder: file.path } }
  if (out === undefined) {
    const seen = `${file.path} has ${builtIn} states built in, and there will be fewer`
    throw usageError(`${seen}; say where to write it repaired: --decoder-out FILE`)
  }
  const staged = await stageModel(model, file, out, signal)
  try {
    const difference = verify
      ? await withinBounds(file, staged.path, signal, (pair) => verifyStates({ ...pair, inputs, count: builtIn }))
      : undefined
    const { bytes, dataFiles } = staged
    const verification = difference === undefined ? {} : { verification: { difference } }
    return { report: { decoder: file.path, builtIn, out, bytes, dataFiles, ...verification }, staged }
  } catch (error) {
    await staged[Symbol.asyncDispose]()
    throw error
  }
}

/** @throws TpError TP_INPUT for the decoder of another encoder */
function requireSize({ model, path }: ModelFile, names: readonly string[], size: number): void {
  const states = new Graph(model).inputs.find(({ name, dims }) => names.includes(name) && dims?.length === 3)
  const own = states?.dims?.[2]
  if (typeof own !== 'number' || own === size) return
  const seen = `${path}: its input ${states?.name} has states of ${own} numbers, and the encoder's have ${size}`
  throw new TpError('TP_INPUT', 'tp', `${seen}; give the decoder that belongs to it`)
}

/** A refusal is of this file, and not of the first one of the command. */
function named<T>({ path }: ModelFile, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw naming(path, error)
  }
}
