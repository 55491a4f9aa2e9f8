import { wasmRuntime } from '@tp/runtime-web'

// Everything that a program with one model in wasm needs.
void wasmRuntime().load('model.onnx', { worker: true })
