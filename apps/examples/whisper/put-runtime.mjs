// Puts the onnxruntime-web that transformers.js computes with next to the page; otherwise it is fetched from a CDN.
import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const folder = 'public/ort'
mkdirSync(folder, { recursive: true })
const transformers = createRequire(import.meta.url).resolve('@huggingface/transformers')
const runtime = dirname(createRequire(transformers).resolve('onnxruntime-web'))
for (const file of ['ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'])
  copyFileSync(join(runtime, file), join(folder, file))
