// Entry of the worker that holds one model on the graphics device; see wasm.ts.
import * as ort from 'onnxruntime-web/webgpu'
import { serve } from './serve.ts'

serve({ name: 'webgpu', breaksOnFailure: true, importOrt: async () => ort })
