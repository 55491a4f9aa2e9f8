import { basename } from 'node:path'
import { verifyStates, verifyWeights } from '@tp/compare'
import { inspect, type Plan, Refused, readAnyStates, transform, weighStates } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { type StagedModel, stageModel } from '@tp/data/files'
import { Graph, type Model } from '@tp/onnx'
import { withinBounds } from '@tp/plans/files'
import { type Arguments, type TextOption, text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import { naming } from '../model/refusal-error.ts'
import { weighingDecoder } from '../model/weighing-decoder.ts'
import type { DecoderReport } from '../printing/pruned-report.ts'

export const decoderOptions: Readonly<Record<'decoder' | 'decoder-out', TextOption>> = {
  decoder: text(
    'FILE',
    'for a speech encoder: the decoder that reads its states; kept rows then say how many positions they stand for, and the decoder is changed to weigh them by it',
    { reads: 'model' },
  ),
  'decoder-out': text('FILE', 'file for the changed decoder', {
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
  /** The dense encoder, where the decoder is to weigh its states. */
  readonly encoder: Model | undefined
  readonly verify: boolean
  readonly signal: AbortSignal
}

/**
 * @param option the option for pruned positions
 * @throws TpError TP_USAGE for options that mean nothing with or without a decoder
 */
export function checkDecoderOptions(
  { decoder, 'decoder-out': out }: Arguments<typeof decoderOptions>,
  restore: string | undefined,
): void {
  if (decoder === undefined || restore === 'none') return
  if (restore !== undefined && restore !== 'weighed') {
    const seen = `restore is ${restore}, and with it every decoder reads as many states as of the dense encoder`
    throw usageError(`${seen}; omit --decoder, or restore`)
  }
  if (out === undefined) {
    const seen = 'the decoder is changed to weigh each state by how many it stands for'
    throw usageError(`${seen}; say where to write it: --decoder-out FILE (or --set restore=none to let it be)`)
  }
}

export interface DecoderToChange {
  readonly file: ModelFile
  readonly out: string | undefined
  /** Whether it is to weigh states. */
  readonly weighs: boolean
}

/** The decoder next to an encoder that is pruned: how rows are restored for it, and what becomes of its file. */
export interface Reader {
  readonly restore: NonNullable<Plan['restore']>
  /** Absent where it stays as it is. */
  readonly change?: DecoderToChange
  readonly note?: string
}

interface ReaderOptions {
  readonly encoder: ModelFile
  readonly out: string | undefined
  readonly restore: Plan['restore']
}

/**
 * A decoder is changed to weigh what is kept; where it cannot be, and no option asks for it, pruned positions are restored.
 * @throws RefusalError; TpError TP_INPUT for the decoder of another encoder
 */
export function readerOf(file: ModelFile, { encoder, out, restore }: ReaderOptions): Reader {
  if (restore === 'none') return { restore, change: { file, out, weighs: false } }
  const states = new Graph(file.model).inputs.filter(({ type, dims }) => type.startsWith('float') && dims?.length === 3)
  const found = inspect(encoder.model)
  if (found.ok)
    requireSize(
      file,
      states.map(({ name }) => name),
      found.hidden,
    )
  const { refusal } = weighingDecoder(encoder.model, file)
  if (refusal === undefined) return { restore: 'weighed', change: { file, out, weighs: true } }
  const { code, message, node } = refusal
  if (restore === 'weighed') throw naming(file.path, new Refused(code, message, node))
  const seen = `${basename(file.path)} is left as it is, and pruned positions get the rows of their neighbors`
  return { restore: 'auto', note: `${seen}: ${message}` }
}

/**
 * Makes a decoder read any number of states, if it does not yet, and weigh them. Nothing is written before `commit`.
 * @throws RefusalError; TpError TP_USAGE where it has to be repaired and no file is named for it, TP_VERIFY, TP_WRITE, TP_ABORTED
 */
export async function repairDecoder(
  file: ModelFile,
  { out, states, size, encoder, verify, signal }: RepairOptions,
): Promise<RepairedDecoder> {
  const repair = readAnyStates(states === undefined ? {} : { states })
  const { model, reports } = named(file, () => transform(file.model, repair))
  const [{ builtIn, inputs }] = reports
  requireSize(file, inputs, size)
  const weighed = encoder && named(file, () => transform(model, weighStates({ encoder })))
  if (builtIn === undefined && weighed === undefined) return { report: { decoder: file.path } }
  if (out === undefined) {
    const seen = `${file.path} has ${builtIn} states built in, and there will be fewer`
    throw usageError(`${seen}; say where to write it repaired: --decoder-out FILE`)
  }
  const changed = weighed?.model ?? model
  const staged = await stageModel(changed, file, out, signal)
  try {
    const difference = verify
      ? await withinBounds(file, staged.path, signal, (pair) =>
          weighed === undefined
            ? verifyStates({ ...pair, inputs, count: builtIn as number })
            : verifyWeights({ ...pair, model: changed, norm: weighed.reports[0].norm, count: builtIn }),
        )
      : undefined
    const { bytes, dataFiles } = staged
    const verification = difference === undefined ? {} : { verification: { difference } }
    const about = { ...(builtIn !== undefined && { builtIn }), ...(weighed && { weighs: true as const }) }
    return { report: { decoder: file.path, ...about, out, bytes, dataFiles, ...verification }, staged }
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
