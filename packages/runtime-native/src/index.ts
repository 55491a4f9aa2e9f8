import { contractVersion } from '@tp/core'
import type { RuntimePlugin } from '@tp/core/runtime'
import { nativeRuntime } from './native-runtime.ts'

export { type NativeOptions, nativeRuntime } from './native-runtime.ts'

/** Default export for plugin loaders. */
const plugin: RuntimePlugin = { contractVersion, runtime: /* @__PURE__ */ nativeRuntime() }
export default plugin
