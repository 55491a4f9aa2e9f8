import type { Rule } from '../rule.ts'
import { convRules } from './conv.ts'
import { elementwiseRules } from './elementwise.ts'
import { layoutRules } from './layout.ts'
import { pickingRules } from './picking.ts'
import { productRules } from './products.ts'
import { reductionRules } from './reductions.ts'

/** What is known of operators' gradients, by op type. */
export const rules: ReadonlyMap<string, Rule> = new Map(
  [elementwiseRules, productRules, reductionRules, layoutRules, pickingRules, convRules].flatMap((group) =>
    Object.entries(group),
  ),
)
