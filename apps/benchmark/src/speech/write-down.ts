import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processorMs, transcribe } from '@tp/compare'
import { quantize, transform } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { openSpeechDecoder, type SpeechClip, speechInputs } from '@tp/data'
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
  // Which of the two reads the states is for the encoder to say.
  const decoder = { ...own, weighing: own }
  for (const clip of clips) {
    const recording = recordingOf(clip, rate)
    const inputs = await speechInputs({ source: clip.name, clips: [recording] }, paths.encoder, session.inputs)
    const before = processorMs()
    const { texts } = await transcribe(session, decoder, inputs)
    await onText({ clip: clip.name, text: texts[0] as string, ms: Math.round(processorMs() - before) })
  }
}

function pathIn(folder: string, graph: string): string {
  return join(folder, 'onnx', `${graph}.onnx`)
}

function recordingOf({ name, samples, language }: Spoken, sampleRate: number): SpeechClip {
  return { source: name, text: '', ...(language && { language }), read: async () => ({ samples, sampleRate }) }
}
