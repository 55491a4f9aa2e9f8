import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type AutomaticSpeechRecognitionPipeline, env, pipeline } from '@huggingface/transformers'
import { processorMs } from '@tp/compare'
import { quantize, transform } from '@tp/compiler'
import { methods } from '@tp/method-hybrid'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { pruneSpeech } from '@tp/optimize'
import { quickFrames } from '@tp/transformers'
import type { Spoken } from './write-down.ts'

/** A way to run a model of speech in transformers.js. */
export interface SpeechWay {
  readonly name: string
  readonly thinned: boolean
  /** Which files are in 8 bits. */
  readonly eightBits: 'none' | 'decoder' | 'all'
  /** Mel frames by `quickFrames`. */
  readonly quickFrames: boolean
}

export interface Transcript {
  readonly text: string
  /** Processor time of all: mel frames, encoder, decoder, choice of tokens. */
  readonly ms: number
}

export interface Pipelines extends AsyncDisposable {
  /** Runs a clip in one way. */
  transcribe(way: SpeechWay, clip: Spoken): Promise<Transcript>
}

const GRAPHS = ['encoder_model', 'decoder_model_merged'] as const

/**
 * Loads a folder in transformers.js, on one thread, as it is and as `tp prune` writes it, in float32 and in 8 bits as far as the ways need them.
 * @param folder has onnx/encoder_model.onnx and onnx/decoder_model_merged.onnx
 */
export async function openPipelines(folder: string, ways: readonly SpeechWay[]): Promise<Pipelines> {
  const models = await mkdtemp(join(tmpdir(), 'tp-speech-'))
  await writeFolders(resolve(folder), models, ways)
  env.allowRemoteModels = false
  env.localModelPath = `${models}/`
  const pipelines = new Map<string, AutomaticSpeechRecognitionPipeline>()
  for (const way of ways) {
    if (pipelines.has(fileOf(way))) continue
    const options = {
      dtype: Object.fromEntries(GRAPHS.map((graph) => [graph, isEightBits(graph, way) ? 'q8' : 'fp32'] as const)),
      session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
    }
    pipelines.set(fileOf(way), await pipeline('automatic-speech-recognition', folderOf(way), options))
  }
  return {
    async transcribe(way, { samples, language = 'en' }) {
      const transcribe = pipelines.get(fileOf(way)) as AutomaticSpeechRecognitionPipeline
      const restore = way.quickFrames ? quickFrames(transcribe) : undefined
      const before = processorMs()
      const { text } = (await transcribe(samples, { language, task: 'transcribe' })) as { text: string }
      const ms = processorMs() - before
      restore?.()
      return { text, ms }
    },
    async [Symbol.asyncDispose]() {
      for (const own of pipelines.values()) await own.dispose()
      await rm(models, { recursive: true, force: true })
    },
  }
}

function folderOf({ thinned }: SpeechWay): string {
  return thinned ? 'thinned' : 'dense'
}

function isEightBits(graph: (typeof GRAPHS)[number], { eightBits }: SpeechWay): boolean {
  return eightBits === 'all' || (eightBits === 'decoder' && graph === 'decoder_model_merged')
}

function fileOf(way: SpeechWay): string {
  return `${folderOf(way)} ${way.eightBits}`
}

async function writeFolders(folder: string, models: string, ways: readonly SpeechWay[]): Promise<void> {
  const [encoder, decoder] = (await Promise.all(
    GRAPHS.map(async (graph) => decodeModel(await readFile(join(folder, 'onnx', `${graph}.onnx`)))),
  )) as [Model, Model]
  const thinned = pruneSpeech({ encoder, decoders: [decoder] }, { methods })
  const graphs = { dense: [encoder, decoder], thinned: [thinned.encoder, thinned.decoders[0] as Model] }
  for (const [name, [first, second]] of Object.entries(graphs)) {
    await mkdir(join(models, name, 'onnx'), { recursive: true })
    for (const file of await readdir(folder))
      if (file.endsWith('.json')) await cp(join(folder, file), join(models, name, file))
    for (const [i, graph] of GRAPHS.entries()) {
      const model = [first, second][i] as Model
      const own = ways.filter((way) => folderOf(way) === name)
      for (const eightBits of new Set(own.map((way) => isEightBits(graph, way)))) {
        const written = eightBits ? transform(model, quantize()).model : model
        const file = `${graph}${eightBits ? '_quantized' : ''}.onnx`
        await writeFile(join(models, name, 'onnx', file), encodeModel(written))
      }
    }
  }
}
