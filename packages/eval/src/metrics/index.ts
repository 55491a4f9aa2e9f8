// Intervals, tests, times and traces. Requires neither files nor native code, so pages can use it.

export {
  type Comparison,
  type ComparisonOptions,
  comparePaired,
  medianInterval,
  pairedSpeedup,
  type Speedup,
  type SteppedSession,
  type VariantLatency,
} from '../latency.ts'
export { boundedMean, fewestForMean, isMeanBelow } from './bounded-mean.ts'
export { divergences } from './divergences.ts'
export { expectedLosses } from './expected-losses.ts'
export { accuracyInterval, accuracyLoss, type Figure, figureInterval, figureLoss, meanFigure } from './figure.ts'
export { type Interval, scaledInterval } from './interval.ts'
export { type KeptFractions, keptFractions } from './kept.ts'
export { type McNemar, mcnemar } from './mcnemar.ts'
export { ndcg, rankingOf } from './ndcg.ts'
export { dot } from './neighbors.ts'
export { bootstrapMean, pairedBootstrap } from './paired-bootstrap.ts'
export { fewestForLoss, pairedDifference } from './paired-difference.ts'
export { isScoredBelow, type PairedCounts, pairedCounts } from './paired-score.ts'
export { type Logits, largest, logitRowsOf, logitsOf, probabilities, scoresOf } from './predictions.ts'
export { proportionInterval } from './proportion-interval.ts'
export { rankCorrelation, rankCorrelationAt } from './rank-correlation.ts'
export { type Found, ranksOf, recallAt, reciprocalRank } from './retrieval.ts'
export { isTrace, tracedCounts, tracedTokens } from './trace.ts'
export { type Trajectory, trajectoriesOf } from './trajectories.ts'
