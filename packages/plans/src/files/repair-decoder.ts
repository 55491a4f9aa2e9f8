import { readAnyStates, transform, weighStates } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { type StagedModel, stageModel } from '@tp/data/files'
import { Graph, type Model } from '@tp/onnx'
import { type FileVerification, type VerifyFileOptions, verifyFile } from './verify-file.ts'

/** A decoder that reads any number of states of its encoder, and weighs each where it is to. */
export interface RepairedDecoder {
  /** How many states were built in; absent where it reads any number as it is. */
  readonly builtIn?: number
  readonly weighs?: true
  /** The repaired file, not written yet; absent where nothing is repaired, or no file was named. */
  readonly staged?: StagedModel
  readonly verification?: FileVerification
}

export interface RepairDecoderOptions {
  /** The file to write. */
  readonly out: string | undefined
  /** How many states the dense encoder gives, where that is one number. */
  readonly states: number | undefined
  /** Numbers of each state. */
  readonly size: number
  /** The dense encoder, where the decoder is to weigh its states. */
  readonly encoder?: Model | undefined
  /** Whether the repaired decoder is compared with the old one, in a process of its own. */
  readonly verify: boolean
  readonly budget?: VerifyFileOptions['budget']
  readonly runtime?: VerifyFileOptions['runtime']
  readonly signal: AbortSignal
}

/**
 * Makes the decoder of a pruned encoder read any number of states, if it does not yet, and weigh them. Nothing is written before `commit`.
 * @throws Refused; TpError TP_INPUT for the decoder of another encoder, TP_VERIFY, TP_WRITE, TP_ABORTED
 * @example
 * await using repaired = (await repairDecoder(file, { out: 'decoder.pruned.onnx', states: 1500, size: 384, verify: true, signal })).staged
 * await repaired?.commit()
 */
export async function repairDecoder(
  file: ModelFile,
  { out, states, size, encoder, verify, budget, runtime, signal }: RepairDecoderOptions,
): Promise<RepairedDecoder> {
  const { model, reports } = transform(file.model, readAnyStates(states === undefined ? {} : { states }))
  const [{ builtIn, inputs }] = reports
  requireStates(file, inputs, size)
  const weighed = encoder && transform(model, weighStates({ encoder }))
  if (builtIn === undefined && weighed === undefined) return {}
  const about = { ...(builtIn !== undefined && { builtIn }), ...(weighed && { weighs: true as const }) }
  if (out === undefined) return about
  const changed = weighed?.model ?? model
  const staged = await stageModel(changed, file, out, signal)
  try {
    const read = { inputs, count: builtIn, norm: weighed?.reports[0].norm }
    const made = { model: changed, path: staged.path }
    const verification = verify ? await verifyFile(made, file, { states: read, budget, runtime, signal }) : undefined
    return { ...about, staged, ...(verification && { verification }) }
  } catch (error) {
    await staged[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * @param names inputs with an entry for each state
 * @param size numbers of each state of the encoder
 * @throws TpError TP_INPUT for the decoder of another encoder
 */
export function requireStates({ model, path }: ModelFile, names: readonly string[], size: number): void {
  const states = new Graph(model).inputs.find(({ name, dims }) => names.includes(name) && dims?.length === 3)
  const own = states?.dims?.[2]
  if (typeof own !== 'number' || own === size) return
  const seen = `${path}: its input ${states?.name} has states of ${own} numbers, and the encoder's have ${size}`
  throw new TpError('TP_INPUT', 'plans', `${seen}; give the decoder that belongs to it`)
}
