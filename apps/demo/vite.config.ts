import { fileURLToPath } from 'node:url'
import type { UserConfig } from 'vite'
import workspace from '../../package.json' with { type: 'json' }
import { builtInSets } from './vite-plugins/built-in-sets.ts'
import { compressedFiles, omittedFiles } from './vite-plugins/compressed-files.ts'

/** With these a page may share memory between threads, which onnxruntime's threads need. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const repository = workspace.repository.url.replace(/^git\+|\.git$/g, '')

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const config: UserConfig = {
  base: './',
  define: { 'import.meta.env.VITE_REPOSITORY': JSON.stringify(repository) },
  // onnxruntime names its wasm, and the page serves it compressed.
  plugins: [builtInSets(), compressedFiles(), omittedFiles(/ort-wasm.*\.wasm$/)],
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  // transformers.js runs on the onnxruntime that the page has anyway, instead of one of its own with WebGPU (20 MB).
  resolve: { alias: { 'onnxruntime-web/webgpu': path('node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs') } },
  // Bundled for development, onnxruntime would look for its wasm next to the bundle, where it is not.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: {
    outDir: 'dist/site',
    target: 'es2023',
    reportCompressedSize: false,
    rolldownOptions: {
      input: { page: path('index.html'), 'service-worker': path('src/offline/service-worker.ts') },
      // A service worker serves what is in its folder and below.
      output: { entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
}

export default config
