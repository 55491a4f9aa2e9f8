import type { OptionSpec } from '@tp/core'

/** A policy's samples of an example are compared with each other. */
export const samplesOption: OptionSpec = {
  description: 'how often each example is tried in a step while the policy learns',
  type: 'integer',
  min: 2,
  default: 8,
}
