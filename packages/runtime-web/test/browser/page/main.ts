import { runtimeModels, testRuntime } from '@tp/core/testing'
import { wasmRuntime } from '@tp/runtime-web'
import { webgpuRuntime } from '@tp/runtime-web/webgpu'
import { logPlacement } from './placement.ts'
import { runTests } from './vitest.ts'

const runtimes = { wasm: wasmRuntime(), servedWasm: wasmRuntime({ wasmPaths: 'ort/' }), webgpu: webgpuRuntime() }
type Parameter<I extends 1 | 2> = Parameters<typeof testRuntime>[I]

/** The interface of this page for tests from outside. */
const page = {
  ...runtimes,
  wasmRuntime,
  models: runtimeModels,
  logPlacement,
  testRuntime: (name: keyof typeof runtimes, options: Parameter<1>, kit: Parameter<2>) =>
    runTests(() => testRuntime(runtimes[name], options, kit)),
}

declare global {
  var tp: typeof page
}

globalThis.tp = page
