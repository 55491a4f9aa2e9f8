import type { Plan } from '@tp/compiler'
import { baselines, cast, cumSum, type Method, type MethodEntry, mean, methodEntry, scorer } from '@tp/core'
import { methods as attention } from '@tp/method-attention'

/** There is no sum of 8-bit integers in onnxruntime. */
const withoutKernel = (): Method =>
  scorer({
    name: 'without-kernel',
    family: 'attention',
    score: (site) => cast(cumSum(cast(mean(site.clsAttention, 1), 'int8'), 1), 'float32'),
  })

export const methods: readonly MethodEntry[] = [...baselines, ...attention, methodEntry(withoutKernel, 'fails')]

/** Prunes half of the tokens twice. */
export const half: Plan = { format: 1, method: 'received-attention', layers: [1, 2], keep: 0.5 }
