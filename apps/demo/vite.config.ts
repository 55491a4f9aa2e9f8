import type { UserConfig } from 'vite'
import { builtInSets } from './built-in-sets/plugin.ts'

/** With these a page may share memory between threads, which onnxruntime's threads need. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const config: UserConfig = {
  base: './',
  plugins: [builtInSets()],
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  // Bundled for development, onnxruntime would look for its wasm beside the bundle, where it is not.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { outDir: 'dist/site', target: 'es2023', reportCompressedSize: false, chunkSizeWarningLimit: 2000 },
}

export default config
