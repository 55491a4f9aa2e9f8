import type { Drawn } from './draw.ts'
import { elementwise } from './elementwise.ts'
import { layout } from './layout.ts'
import { mixing } from './mixing.ts'
import { picking } from './picking.ts'
import { products } from './products.ts'
import { reductions } from './reductions.ts'

/** Every operator that has a rule, in all its forms. */
export const operations: readonly Drawn[] = [
  ...elementwise,
  ...products,
  ...reductions,
  ...layout,
  ...picking,
  ...mixing,
]
