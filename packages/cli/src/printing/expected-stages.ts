import type { ExpectedStage } from '@tp/metrics/progress'

/** A model, or several one after another, on as many examples in all. */
export function evaluation(examples: number): ExpectedStage {
  return { work: examples, kind: 'evaluation' }
}

/** Models in turns on some of the examples, for a time that is known. */
export function timing(examples: number, milliseconds: number): ExpectedStage {
  return { work: examples, kind: 'timing', seconds: milliseconds / 1000 }
}
