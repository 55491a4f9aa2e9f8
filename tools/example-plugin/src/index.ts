import { methodEntry, type Plugin } from '@tp/core'
import { normTimesAttention, normTimesAttentionOptions } from './norm-times-attention.ts'

export { type NormTimesAttentionOptions, normTimesAttention } from './norm-times-attention.ts'

/** The plugin that `tp --plugin tp-example-plugin` reads. */
const plugin: Plugin = {
  // The contract that this was written for. A number, not core's own: the two are compared when the plugin is loaded.
  contractVersion: 1,
  methods: [
    methodEntry(
      normTimesAttention,
      'keeps tokens by received attention times the norm of their state',
      normTimesAttentionOptions,
    ),
  ],
}
export default plugin
