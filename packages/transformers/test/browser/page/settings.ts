import { env } from '@huggingface/transformers'

/** Models and onnxruntime's files come from the server of the page. */
export function useServer(): void {
  env.allowLocalModels = true
  env.allowRemoteModels = false
  env.localModelPath = '/models/'
  if (env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = '/ort/'
}
