import type { NamedTensors } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'

/** All models take the same batches, and to read a sound takes longer than to run one. */
export function readOnce(inputs: ModelInputs): ModelInputs {
  const known = new Map<string, Promise<NamedTensors>>()
  return {
    ...inputs,
    feeds(rows) {
      const key = rows.join()
      const feeds = known.get(key) ?? inputs.feeds(rows)
      known.set(key, feeds)
      return feeds
    },
  }
}
