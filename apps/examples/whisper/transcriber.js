// The worker: Whisper by transformers.js, whose encoder is pruned when it is loaded, and what it hears.
import { env, pipeline } from '@huggingface/transformers'
import { methods } from '@tp/method-hybrid'
import { guardSpeech, pruneModels, quickFrames } from '@tp/transformers'

/** @param {string} model a model of the Hugging Face Hub, or the address of a folder with its files */
async function open(model = 'onnx-community/whisper-base') {
  if (URL.canParse(model)) {
    env.remoteHost = new URL('.', model).href
    env.remotePathTemplate = '{model}/'
  }
  const name = URL.canParse(model) ? new URL(model).pathname.split('/').at(-1) : model
  env.backends.onnx.wasm.wasmPaths = new URL('/ort/', location.origin).href
  // One of every few tokens of silence after the recording is kept, up to the window's 30 seconds.
  pruneModels({ methods, defaultPlan: { format: 1, method: 'thin-padding', layers: [0] } })
  const transcribe = await pipeline('automatic-speech-recognition', name, { device: 'wasm', dtype: 'fp32' })
  // Whisper's mel frames in a seventh of the time.
  quickFrames(transcribe)
  // A text that goes round in circles is written down once more, at other temperatures.
  guardSpeech(transcribe)
  return transcribe
}

let opened
self.addEventListener('message', async ({ data: { model, samples } }) => {
  try {
    opened ??= open(model)
    const transcribe = await opened
    if (samples === undefined) return
    const { text } = await transcribe(samples)
    self.postMessage({ text })
  } catch (error) {
    self.postMessage({ error: error.message })
  }
})
