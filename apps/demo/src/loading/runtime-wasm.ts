import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?gzip'
import { loadFile } from './load-file.ts'
import { once } from './once.ts'

/** Address of onnxruntime's wasm, decompressed, for this page and its workers. */
export const runtimeWasm: () => Promise<string> = once(async () => {
  return URL.createObjectURL(new Blob([await loadFile(wasm)], { type: 'application/wasm' }))
})
