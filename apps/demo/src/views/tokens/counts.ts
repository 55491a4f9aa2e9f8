import type { ComparedAnswers } from '../../workbench/findings.ts'

/**
 * How many tokens there are at first and behind each step, without those that stand for nothing that is shown: class
 * tokens in front of patches.
 */
export function countsOf({ sample, leaving }: Pick<ComparedAnswers, 'sample' | 'leaving'>): [number, ...number[]] {
  const before = 'before' in sample.shown ? sample.shown.before : 0
  const total = sample.real.filter(Boolean).length
  return [total - before, ...leaving.steps.map(({ kept }) => Math.max(0, kept - before))]
}
