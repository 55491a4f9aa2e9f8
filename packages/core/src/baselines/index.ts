import { type MethodEntry, methodEntry } from '../plugin.ts'
import { none } from './none.ts'
import { random, randomOptions } from './random.ts'
import { stride } from './stride.ts'
import { truncate } from './truncate.ts'

export { none } from './none.ts'
export { type RandomOptions, random } from './random.ts'
export { stride } from './stride.ts'
export { truncate } from './truncate.ts'

/** The controls that every table shows, as entries like those of a plugin. */
export const baselines: readonly MethodEntry[] = [
  methodEntry(none, 'keeps every token: the dense model'),
  methodEntry(random, 'keeps tokens at random', randomOptions),
  methodEntry(stride, 'keeps evenly spaced tokens'),
  methodEntry(truncate, 'keeps the first tokens'),
]
