import { env, pipeline, RawImage } from '@huggingface/transformers'
import { pruneModels } from '@tp/transformers'
import { half, methods } from '../../plans.ts'

env.allowLocalModels = true
env.allowRemoteModels = false
env.localModelPath = '/models/'
if (env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = '/ort/'

/** What the tests that look at this page from outside can use in it. */
const page = { env, half, methods, pipeline, pruneModels, RawImage }

declare global {
  var library: typeof page
}

globalThis.library = page
