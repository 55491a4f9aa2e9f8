import { type Refusal, readsWeights } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Runtime, Session } from '@tp/core/runtime'
import { type ModelFile, openSpeechDecoder, type SpeechDecoder } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { weighDecoders } from '../speech/weigh-decoders.ts'

/** A decoder that weighs the states of an encoder, made of a file; or why there is none. */
export type WeighingDecoder =
  | { readonly file: ModelFile; readonly model: Model; readonly refusal?: undefined }
  | { readonly file: ModelFile; readonly refusal: Refusal }

/**
 * The form of a decoder that weighs the states of an encoder.
 * @param encoder whose states the decoder reads, dense
 */
export function weighingDecoder(encoder: Model, file: ModelFile): WeighingDecoder {
  if (readsWeights(file.model) !== undefined) return { file, model: file.model }
  const made = weighDecoders(encoder, [file.model])
  return made.ok ? { file, model: made.decoders[0] as Model } : { file, refusal: made.refusal }
}

export interface DecoderLoading {
  readonly runtime: Pick<Runtime, 'load'>
  readonly signal: AbortSignal
}

/**
 * Opens a decoder for encoders whose states say how much each counts, and for others, while `use` works with it: each form is loaded when it is first
 * needed. A file that weighs states is for the former alone.
 * @example
 * const weighing = weighingDecoder(encoder, await readModel('decoder_model_merged.onnx'))
 * const plan = await withDecoderForms(weighing, { runtime, signal }, (decoder) => optimize({ ...options, data: { task: 'asr', inputs, decoder } }))
 */
export async function withDecoderForms<T>(
  made: WeighingDecoder,
  { runtime, signal }: DecoderLoading,
  use: (decoder: SpeechDecoder) => Promise<T>,
): Promise<T> {
  const { file } = made
  const weighs = readsWeights(file.model) !== undefined
  const options = { threads: 1, signal }
  const sessions: Session[] = []
  const opened = async (load: () => Promise<Session>): Promise<SpeechDecoder> => {
    const session = await load()
    sessions.push(session)
    return await openSpeechDecoder(session, file.path)
  }
  try {
    const plain = weighs ? needsWeights(file.path) : await opened(() => loadFile(runtime, file, options))
    if (made.refusal !== undefined) return await use(plain)
    return await use({ ...plain, weighing: later(() => opened(() => loadSession(runtime, made.model, file, options))) })
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]()
  }
}

/** A decoder that is opened when it is first used. */
function later(open: () => Promise<SpeechDecoder>): SpeechDecoder {
  let opened: Promise<SpeechDecoder> | undefined
  const decoder = (): Promise<SpeechDecoder> => {
    opened ??= open()
    return opened
  }
  return {
    transcribe: async (...about) => (await decoder()).transcribe(...about),
    async *steps(...about) {
      const { steps, transcribe } = await decoder()
      return steps === undefined ? await transcribe(...about) : yield* steps(...about)
    },
  }
}

/** Without weights in them the states would be read wrongly. */
function needsWeights(path: string): SpeechDecoder {
  return {
    async transcribe() {
      const seen = `${path}: weighs states by what a channel of them says, and the encoder does not say it`
      throw new TpError('TP_INPUT', 'optimize', `${seen}; give the decoder that it was made from`)
    },
  }
}
