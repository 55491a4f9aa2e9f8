import type { RuntimePlugin } from '@tp/core/runtime'
import { exampleRuntime } from './example-runtime.ts'

export { exampleRuntime } from './example-runtime.ts'

/** The plugin that `tp eval --runtime tp-example-runtime` reads. */
const plugin: RuntimePlugin = {
  // The contract that this was written for. A number, not core's own: the two are compared when the plugin is loaded.
  contractVersion: 1,
  runtime: exampleRuntime(),
}
export default plugin
