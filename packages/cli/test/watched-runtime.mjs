import { wasmRuntime } from '@tp/runtime-web'

const engine = wasmRuntime()

/** How many models it has been given so far. */
export let loads = 0

/** A runtime as a plugin: the wasm of browsers, and a count of its requests. */
const runtime = {
  name: 'watched',
  load(model, options) {
    loads += 1
    return engine.load(model, options)
  },
  diagnose: async () => ({ ...(await engine.diagnose()), runtime: 'watched engine' }),
}

export default { contractVersion: 1, runtime }
