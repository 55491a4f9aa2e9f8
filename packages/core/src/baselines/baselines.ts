import { type MethodEntry, methodEntry } from '../method/plugin.ts'
import { none } from './none.ts'
import { quasiRandom } from './quasi-random.ts'
import { random, randomOptions } from './random.ts'
import { recipes } from './recipes.ts'
import { streaming, streamingOptions } from './streaming.ts'
import { stride } from './stride.ts'
import { truncate } from './truncate.ts'

/** The controls that every table shows, as entries like those of a plugin. */
export const baselines: readonly MethodEntry[] = [
  methodEntry(none, 'keeps every token: the dense model'),
  methodEntry(random, 'keeps tokens at random', randomOptions),
  methodEntry(stride, 'keeps evenly spaced tokens', {}, recipes.stride),
  methodEntry(
    quasiRandom,
    'keeps tokens spread evenly by the golden ratio, in rows and columns of images, too',
    {},
    recipes.quasiRandom,
  ),
  methodEntry(truncate, 'keeps the first tokens'),
  methodEntry(streaming, 'keeps a few of the first tokens, and the last ones', streamingOptions),
]
