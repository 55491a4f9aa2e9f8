import { testRuntime } from '@tp/core/testing'
import { wasmRuntime } from '@tp/runtime-web'

// In a page a worker is tested in every run; in Node here.
testRuntime(wasmRuntime(), { worker: true, threads: 2 }, { slowSize: 384 })
