import { einsum } from './einsum.ts'
import { elementwise } from './elementwise.ts'
import { fusedOperators } from './fused/fused-operators.ts'
import { norms } from './norms.ts'
import type { Operator, Operators } from './operator.ts'
import { products } from './products.ts'
import { reductions } from './reductions.ts'
import { reshapes } from './reshapes.ts'
import { reads } from './token-reads.ts'
import { unfollowed } from './unfollowed.ts'
import { withoutShapes } from './without-shapes.ts'

/**
 * The facts about each operator: one entry for each, in the file of its family. An operator that is not here is
 * one that tokens cannot pass, and that no analysis knows.
 */
export const operators: Operators = new Map<string, Operator>(
  Object.entries({
    ...elementwise,
    ...products,
    ...norms,
    ...reductions,
    ...reshapes,
    ...reads,
    ...fusedOperators,
    ...unfollowed,
    ...withoutShapes,
    Einsum: einsum,
  }),
)
