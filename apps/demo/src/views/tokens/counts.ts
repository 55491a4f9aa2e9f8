import type { DemoAnswers } from '../../workbench/findings.ts'

/**
 * How many tokens there are at first and after each step, without those that stand for nothing that is shown: class
 * tokens in front of patches.
 */
export function countsOf({ sample, trace }: Pick<DemoAnswers, 'sample' | 'trace'>): [number, ...number[]] {
  const before = 'before' in sample.shown ? sample.shown.before : 0
  const total = sample.real.filter(Boolean).length
  return [total - before, ...trace.steps.map(({ kept }) => Math.max(0, kept - before))]
}
