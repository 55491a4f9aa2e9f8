import { cascade, monitor, readGuard, recordBaseline } from '@tp/guard'
import { wasmRuntime } from '@tp/runtime-web'

/** The interface of the page for the test. */
const page = { cascade, monitor, readGuard, recordBaseline, wasm: wasmRuntime() }

declare global {
  var guarding: typeof page
}

globalThis.guarding = page
