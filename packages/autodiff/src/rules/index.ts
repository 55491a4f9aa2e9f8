import type { GradientRule } from '../rule.ts'
import { convRules } from './conv.ts'
import { dftRules } from './dft.ts'
import { elementwiseRules } from './elementwise.ts'
import { layoutRules } from './layout.ts'
import { normalizationRules } from './normalization.ts'
import { pickingRules } from './picking.ts'
import { productRules } from './products.ts'
import { reductionRules } from './reductions.ts'
import { resizeRules } from './resize.ts'
import { sliceRules } from './slice.ts'

/** Gradient rules of operators, by op type. */
export const rules: ReadonlyMap<string, GradientRule> = new Map(
  [
    elementwiseRules,
    productRules,
    reductionRules,
    normalizationRules,
    layoutRules,
    sliceRules,
    pickingRules,
    convRules,
    resizeRules,
    dftRules,
  ].flatMap((group) => Object.entries(group)),
)
