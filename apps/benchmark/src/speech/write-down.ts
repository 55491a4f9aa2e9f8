import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processorMs, transcribe } from '@tp/compare'
import { quantize, transform } from '@tp/compiler'
import type { Runtime, Session } from '@tp/core/runtime'
import { openSpeechDecoder, type SpeechClip, type SpeechDecoder, type SpeechInputs, speechInputs } from '@tp/data'
import { methods } from '@tp/method-hybrid'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { pruneSpeech, SPEECH_PLAN } from '@tp/optimize'

/** A form of a model of speech. */
export interface SpeechForm {
  readonly name: string
  readonly thinned: boolean
  readonly eightBits: boolean
}

/** A sound that is written down. */
export interface Spoken {
  readonly name: string
  readonly samples: Float32Array
  /** Its code, as Whisper has it; absent: English. */
  readonly language?: string
}

export interface Written {
  readonly clip: string
  readonly text: string
  /** Processor time of encoder and decoder, on one thread. */
  readonly ms: number
  /** The encoder that a clip is written down by in the end over which the decoder repeated itself. */
  readonly repeated?: 'whole' | 'none' | undefined
}

interface Subject {
  /** Has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx. */
  readonly folder: string
  readonly form: SpeechForm
  /** Options of the method; default: its own. */
  readonly params?: Readonly<Record<string, number>>
  /** Samples a second. */
  readonly rate: number
}

/** Writes clips down one by one. */
export async function writeDown(
  runtime: Runtime,
  { folder, form, params = {}, rate }: Subject,
  clips: readonly Spoken[],
  onText: (written: Written) => Promise<void>,
): Promise<void> {
  const open = async (path: string): Promise<Model> => decodeModel(await readFile(path))
  const paths = { encoder: pathIn(folder, 'encoder_model'), decoder: pathIn(folder, 'decoder_model_merged') }
  const dense = { encoder: await open(paths.encoder), decoders: [await open(paths.decoder)] }
  const plan = { ...SPEECH_PLAN, params }
  const { encoder, decoders } = form.thinned ? pruneSpeech(dense, { methods, plan }) : dense
  const load = (model: Model) =>
    runtime.load(encodeModel(form.eightBits ? transform(model, quantize()).model : model), { threads: 1 })
  await using session = await load(encoder)
  await using decoding = await load(decoders[0] as Model)
  const own = await openSpeechDecoder(decoding, paths.decoder)
  // Which of the two reads the states is for the encoder to say. One that is thinned keeps all positions of a clip over which the decoder repeats itself.
  await writeClips({ session, decoder: { ...own, weighing: own }, folder, rate }, clips, onText)
}

/** Writes clips down one by one, with sessions that are there. */
export async function writeClips(
  {
    session,
    decoder,
    folder,
    rate,
  }: { readonly session: Session; readonly decoder: SpeechDecoder } & Pick<Subject, 'folder' | 'rate'>,
  clips: readonly Spoken[],
  onText: (written: Written) => Promise<void>,
): Promise<void> {
  for (const clip of clips) {
    const inputs = await clipInputs(clip, { folder, rate, session })
    const before = processorMs()
    const { texts, repeats } = await transcribe(session, decoder, inputs)
    const ms = Math.round(processorMs() - before)
    await onText({ clip: clip.name, text: texts[0] as string, ms, repeated: repeats[0] })
  }
}

/** A clip as the encoder of a folder reads it. */
export function clipInputs(
  clip: Spoken,
  { folder, rate, session }: Pick<Subject, 'folder' | 'rate'> & { readonly session: Session },
): Promise<SpeechInputs> {
  const dataset = { source: clip.name, clips: [recordingOf(clip, rate)] }
  return speechInputs(dataset, pathIn(folder, 'encoder_model'), session.inputs)
}

/** The file of a graph in a model's folder. */
export function pathIn(folder: string, graph: 'encoder_model' | 'decoder_model_merged'): string {
  return join(folder, 'onnx', `${graph}.onnx`)
}

function recordingOf({ name, samples, language }: Spoken, sampleRate: number): SpeechClip {
  return { source: name, text: '', ...(language && { language }), read: async () => ({ samples, sampleRate }) }
}
