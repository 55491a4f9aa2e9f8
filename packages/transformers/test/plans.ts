import type { Plan } from '@tp/compiler'
import { baselines, cast, cumSum, type Method, type MethodEntry, mean, methodEntry, scorer } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'

/** There is no sum of 8-bit integers in onnxruntime. */
const withoutKernel = (): Method =>
  scorer({
    name: 'without-kernel',
    family: 'attention',
    score: (site) => cast(cumSum(cast(mean(site.clsAttention, 1), 'int8'), 1), 'float32'),
  })

const thinning = hybrid.filter(({ name }) => name === 'thin-padding')

export const methods: readonly MethodEntry[] = [
  ...baselines,
  ...attention,
  ...thinning,
  methodEntry(withoutKernel, 'fails'),
]

/** Thins the silence that fills the window of a speech model; its decoder reads as many states as of the dense one. */
export const thin: Plan = { format: 1, method: 'thin-padding' }

/** The same, and the decoder reads fewer. */
export const thinStates: Plan = { ...thin, restore: 'none' }

/** Prunes half of the tokens twice. */
export const half: Plan = { format: 1, method: 'received-attention', layers: [1, 2], keep: 0.5 }
