// Entry of the worker that holds one model in wasm. A static import: by default Vite bundles workers without chunks.
import * as ort from '#ort-wasm'
import { serve } from './serve.ts'

serve({ name: 'wasm', breaksOnFailure: false, importOrt: async () => ort })
