import { methodEntry, type Plugin } from '@tp/core'
import { pruMerge, pruMergeOptions } from './pru-merge.ts'

export { type PruMergeOptions, pruMerge } from './pru-merge.ts'

/** The plugin that `tp --plugin tp-vision-plugin` reads. */
const plugin: Plugin = {
  contractVersion: 1,
  methods: [
    methodEntry(
      pruMerge,
      'keeps tokens of exceptional class attention, and merges into each the removed ones most similar to it',
      pruMergeOptions,
    ),
  ],
}
export default plugin
