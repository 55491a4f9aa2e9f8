// Entry of the worker that holds a Whisper model, its encoder dense and pruned, and writes down sounds.
import {
  type AutomaticSpeechRecognitionPipeline,
  type DataType,
  env,
  ModelRegistry,
  pipeline,
} from '@huggingface/transformers'
import { TpError } from '@tp/core'
import { type NamedTensors, sendError } from '@tp/core/runtime'
import { methods } from '@tp/method-hybrid'
import { type ModelReport, pruneModels, quickFrames } from '@tp/transformers'
import { melSpectrogram } from './mel-spectrogram.ts'
import type { SpeechFiles } from './model-files.ts'
import type {
  Heard,
  ListenAnswer,
  ListenerSource,
  ListenRequest,
  ListenResults,
  Side,
  Spectrogram,
} from './protocol.ts'

/** The name of a model of which only files are known. */
const LOCAL = 'given'
const SAMPLES_PER_MS = 16
let models: Readonly<Record<Side, AutomaticSpeechRecognitionPipeline>> | undefined

async function answer(request: ListenRequest): Promise<ListenResults[ListenRequest['kind']]> {
  if (request.kind === 'open') return open(request)
  if (models === undefined) throw new TpError('TP_MODEL_LOAD', 'demo', 'no model has been opened')
  return listen(models[request.side], request.samples)
}

async function open({ source, wasm }: ListenRequest & { readonly kind: 'open' }): Promise<ModelReport> {
  // That of the page; transformers.js has put the address of a CDN there.
  Object.assign(env.backends.onnx.wasm ?? {}, { wasmPaths: { wasm }, numThreads: 1 })
  const load = await loading(source)
  const dense = await load()
  const reports: ModelReport[] = []
  const pruning = pruneModels({
    methods,
    defaultPlan: { format: 1, method: 'thin-padding' },
    onModel: (report) => reports.push(report),
  })
  const pruned = await load()
  pruning.dispose()
  for (const transcribe of [dense, pruned]) quickFrames(transcribe)
  models = { dense, pruned }
  return reports[0] as ModelReport
}

/** How to load a model, one each time. */
async function loading(source: ListenerSource): Promise<() => Promise<AutomaticSpeechRecognitionPipeline>> {
  const name = serve(source)
  const forms = await ModelRegistry.get_available_dtypes(name)
  // A file that has to be downloaded first is better small.
  const preferred = source.kind === 'files' ? ['fp32', 'q8'] : ['q8', 'fp32']
  const dtype = [...preferred, ...forms].find((form) => forms.includes(form))
  if (dtype === undefined) {
    const missing = 'there are no encoder_model.onnx and decoder_model_merged.onnx in its folder onnx'
    throw new TpError('TP_FILES', 'demo', `${missing}, in any form that transformers.js knows.`)
  }
  return () => pipeline('automatic-speech-recognition', name, { device: 'wasm', dtype: dtype as DataType })
}

/** Lets transformers.js find a model. @returns its name there */
function serve(source: ListenerSource): string {
  if (source.kind === 'files') return serveFiles(source.files)
  const { address } = source
  return URL.canParse(address) ? serveFolder(new URL(address)) : address
}

function serveFolder({ origin, pathname }: URL): string {
  const parts = pathname.replace(/\/$/, '').split('/')
  const name = parts.pop() as string
  env.remoteHost = origin + parts.join('/')
  env.remotePathTemplate = '{model}/'
  const { fetch } = env
  // Many servers let pages read their files, and not that there is none of a name.
  env.fetch = (address, init) => fetch(address, init).catch(() => new Response(null, { status: 404 }))
  return decodeURIComponent(name)
}

/** Answers what transformers.js asks for from a person's own files. */
function serveFiles(files: SpeechFiles): string {
  env.allowLocalModels = true
  env.allowRemoteModels = false
  env.localModelPath = '/'
  // They are on this device already.
  env.useBrowserCache = false
  const { fetch } = env
  const root = `/${LOCAL}/`
  env.fetch = async (address, init) => {
    const { pathname } = new URL(String(address), location.origin)
    if (!pathname.startsWith(root)) return fetch(address, init)
    const file = files.get(decodeURIComponent(pathname.slice(root.length)))
    return file === undefined ? new Response(null, { status: 404 }) : new Response(file)
  }
  return LOCAL
}

async function listen(transcribe: AutomaticSpeechRecognitionPipeline, samples: Float32Array): Promise<Heard> {
  const encoder = transcribe.model.sessions.model
  const { run } = encoder
  let encoderMs = 0
  let spectrogram: Spectrogram | undefined
  encoder.run = async (...args: unknown[]) => {
    const start = performance.now()
    const outputs = await run.apply(encoder, args)
    encoderMs += performance.now() - start
    spectrogram ??= melSpectrogram(args[0] as NamedTensors, outputs)
    return outputs
  }
  try {
    const start = performance.now()
    const { text } = await transcribe(samples)
    return {
      text: text.trim(),
      encoderMs,
      totalMs: performance.now() - start,
      soundMs: samples.length / SAMPLES_PER_MS,
      ...(spectrogram && { spectrogram }),
    }
  } finally {
    encoder.run = run
  }
}

const worker = globalThis as unknown as {
  postMessage(message: ListenAnswer): void
  addEventListener(type: 'message', listener: (event: MessageEvent<ListenRequest>) => void): void
}

worker.addEventListener('message', async ({ data }) => {
  try {
    worker.postMessage({ ok: true, value: await answer(data) })
  } catch (error) {
    worker.postMessage({ ok: false, error: sendError(error) })
  }
})
