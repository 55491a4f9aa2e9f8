import { baselines, type MethodEntry } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { methods as hybrid } from '@tp/method-hybrid'
import { methods as rl } from '@tp/method-rl'

/** The methods of all packages. */
export const entries: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid, ...gradient, ...rl]
