import { contractVersion } from '@tp/core'
import type { RuntimePlugin } from '@tp/core/runtime'
import { nodeRuntime } from './node-runtime.ts'

export { nodeRuntime } from './node-runtime.ts'

/** Default export for plugin loaders. */
const plugin: RuntimePlugin = { contractVersion, runtime: /* @__PURE__ */ nodeRuntime() }
export default plugin
