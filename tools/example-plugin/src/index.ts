import { contractVersion, methodEntry, type Plugin } from '@tp/core'
import { normTimesAttention, normTimesAttentionOptions } from './norm-times-attention.ts'

export { type NormTimesAttentionOptions, normTimesAttention } from './norm-times-attention.ts'

/** What `tp --plugin tp-example-plugin` reads. */
const plugin: Plugin = {
  contractVersion,
  methods: [
    methodEntry(
      normTimesAttention,
      'keeps tokens by received attention times the norm of their state',
      normTimesAttentionOptions,
    ),
  ],
}
export default plugin
