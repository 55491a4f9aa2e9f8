import { cascade, monitor, readGuard, recordBaseline } from '@tp/guard'
import { wasmRuntime } from '@tp/runtime-web'

/** What the page offers to the test. */
const page = { cascade, monitor, readGuard, recordBaseline, wasm: wasmRuntime() }

declare global {
  var guarding: typeof page
}

globalThis.guarding = page
