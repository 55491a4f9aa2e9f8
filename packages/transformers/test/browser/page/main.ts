import { env, pipeline, RawImage } from '@huggingface/transformers'
import { methods } from '@tp/method-attention'
import { pruneModels } from '@tp/transformers'

env.allowLocalModels = true
env.allowRemoteModels = false
env.localModelPath = '/models/'
if (env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = '/ort/'

/** What the tests that look at this page from outside can use in it. */
const page = { env, methods, pipeline, pruneModels, RawImage }

declare global {
  var tp: typeof page
}

globalThis.tp = page
