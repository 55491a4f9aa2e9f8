import { basename } from 'node:path'
import { inspect, type Plan, Refused } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { StagedModel } from '@tp/data/files'
import { Graph } from '@tp/onnx'
import { weighingDecoder } from '@tp/optimize/files'
import { type RepairDecoderOptions, repairDecoder, requireStates } from '@tp/plans/files'
import { type Arguments, type TextOption, text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import { naming } from '../model/refusal-error.ts'
import type { DecoderReport } from '../printing/pruned-report.ts'

export const decoderOptions: Readonly<Record<'decoder' | 'decoder-out', TextOption>> = {
  decoder: text(
    'FILE',
    'decoder that reads the states of a speech encoder; kept rows then say how many positions they stand for, and the decoder is changed to weigh them by it',
    { reads: 'model' },
  ),
  'decoder-out': text('FILE', 'file for the changed decoder', {
    needs: ['decoder'],
    writes: 'model',
  }),
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
  const names = states.map(({ name }) => name)
  const found = inspect(encoder.model)
  if (found.ok) requireStates(file, names, found.hidden)
  const { refusal } = weighingDecoder(encoder.model, file)
  if (refusal === undefined) return { restore: 'weighed', change: { file, out, weighs: true } }
  const { code, message, node } = refusal
  if (restore === 'weighed') throw naming(file.path, new Refused(code, message, node))
  const seen = `${basename(file.path)} is left as it is, and pruned positions get the rows of their neighbors`
  return { restore: 'nearest', note: `${seen}: ${message}` }
}

/**
 * Changes the file of a decoder, as `repairDecoder` of `@tp/plans/files` does.
 * @throws RefusalError of this file, not of the first one of the command; TpError TP_USAGE where it has to be repaired and no file is named
 */
export async function repairedDecoder(
  file: ModelFile,
  options: RepairDecoderOptions,
): Promise<{ readonly report: DecoderReport; readonly staged?: StagedModel | undefined }> {
  const { out } = options
  const { staged, verification, ...about } = await repairDecoder(file, options).catch((error: unknown) => {
    throw naming(file.path, error)
  })
  if (about.builtIn === undefined && !about.weighs) return { report: { decoder: file.path } }
  if (out === undefined || staged === undefined) {
    const seen = `${file.path} has ${about.builtIn} states built in, and there will be fewer`
    throw usageError(`${seen}; say where to write it repaired: --decoder-out FILE`)
  }
  const { bytes, dataFiles } = staged
  return {
    report: { decoder: file.path, ...about, out, bytes, dataFiles, ...(verification && { verification }) },
    staged,
  }
}
