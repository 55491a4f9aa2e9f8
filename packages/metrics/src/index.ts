// Requires neither files nor native code, so pages can use it.

// Answers: classes, tags and their probabilities, from what a model gives.

export { divergences } from './classes/divergences.ts'
export { countEntities, isBio } from './classes/entities.ts'
export { expectedLosses } from './classes/expected-losses.ts'
export {
  type AllLogits,
  answersIn,
  classLogits,
  formOf,
  type Logits,
  largest,
  logitRowsOf,
  logitsOf,
  ownOutputs,
  probabilities,
  scoresOf,
  sigmoid,
} from './classes/predictions.ts'
export { temperatureOf } from './classes/temperature.ts'

// Figures: numbers by example with a 95 % interval, alone or paired with those of another model.

export {
  accuracyInterval,
  accuracyLoss,
  type Figure,
  figureInterval,
  figureLoss,
  meanFigure,
} from './intervals/figure.ts'
export { type Interval, scaledInterval } from './intervals/interval.ts'
export { proportionInterval } from './intervals/proportion-interval.ts'
export { ratioInterval, type Unseen } from './intervals/ratio-interval.ts'
export { mean, sampleDeviation } from './summaries/mean.ts'
export { quantile } from './summaries/quantile.ts'

// Promises: tests and bounds that hold for any number of examples.

export { boundedMean, fewestForMean, isMeanBelow } from './intervals/bounded-mean.ts'
export { type McNemar, mcnemar } from './intervals/mcnemar.ts'
export { bootstrapMean, pairedBootstrap } from './intervals/paired-bootstrap.ts'
export { fewestForLoss, pairedDifference } from './intervals/paired-difference.ts'
export { isScoredBelow, type PairedCounts, pairedCounts } from './intervals/paired-score.ts'
export { upperMean } from './intervals/upper-mean.ts'

// Rankings and neighbors: nDCG, recall and rank correlation, and vectors next to each other.

export { ndcg, rankedGains, rankingOf } from './rankings/ndcg.ts'
export { dot, lengthOf, maxSimilarities, nearest, similarities, type Vectors } from './rankings/neighbors.ts'
export { centeredRanks, rankCorrelation, rankCorrelationAt } from './rankings/rank-correlation.ts'
export { type Found, ranksOf, recallAt, reciprocalRank } from './rankings/retrieval.ts'

// Speech: words that a transcript has wrong, and texts that repeat themselves.

export { finish, type GuardedText, guardRepeats, type SpeechWays } from './speech/guard-repeats.ts'
export { repeats } from './speech/repeats.ts'
export { type WordErrors, wordErrorRate } from './speech/word-error-rate.ts'
export { errorsOfBeginnings, wordErrors, wordsOf } from './speech/word-errors.ts'

// Times: of models that run in turns.

export { pairedSpeedup, type Speedup } from './times/speedup.ts'

// Traces: which tokens were kept where.

export { type KeptFractions, keptFractions } from './traces/kept.ts'
export { isTrace, tracedCounts, tracedTokens } from './traces/trace.ts'
export { type Trajectory, trajectoriesOf } from './traces/trajectories.ts'
