// Runs in pages as well as on servers: no files are read, and nothing is printed.

// Verdicts: on two models: without data whether a changed one holds, with data whether it is faster and as accurate.

export { type Check, type CheckedModel, type CheckOptions, check, MAX_LOSS } from './check/check.ts'
export { type Demands, type Verdict, verdictOf } from './check/verdict.ts'
export type { Invariance } from './verify/invariance.ts'
export { ALL_TOKENS, type PruningMethod } from './verify/keeping-all.ts'
export type { Loadable } from './verify/load-model.ts'
export type { Verification } from './verify/verification.ts'
export { type VerifyOptions, verify } from './verify/verify.ts'

// Comparisons: of many variants with the dense model, and the tokens that an answer rests on.

export {
  type ExplainedToken,
  type ExplainOptions,
  type Explanation,
  explain,
  meanCorrelation,
} from './explain/explain.ts'
export type { PatchGrid } from './explain/patch-grid.ts'
export { findsByChance, followsByChance, judgmentsOfOthers } from './tasks/by-chance.ts'
export type { AnswerNearness, ComparedAnswers, ComparedLoss, Comparer, Paired, TableCell } from './tasks/comparer.ts'
export { comparerOf } from './tasks/comparer-of.ts'
export { givesVectors } from './tasks/gives-vectors.ts'
export { mcnemarContent } from './tasks/mcnemar-content.ts'
export { type NearnessOf, nearnessTo, similarityNames } from './tasks/nearness.ts'
export { type OneAnswer, oneAnswers, oneEstimate } from './tasks/one-answer.ts'
export { amountOf, factor, points, speedUpText } from './texts.ts'
export { type ComparedVariant, compareVariants, type VariantToCompare } from './variants/compare-variants.ts'
export { openOnce } from './variants/open-once.ts'

// Times: in turns, and FLOPs.

export type { InputSizes } from './inputs/input-shapes.ts'
export { TIMED_EXAMPLES, TIMING_MS, type Times } from './tasks/time-on-data.ts'
export { type FlopsAt, fewerFlops, flopsAtUsualLengths, flopsOf, timesFewer } from './times/flops.ts'
export { type FlopsPlan, type FlopsShare, planForFlops } from './times/plan-for-flops.ts'
export { spreadByLength } from './times/spread-by-length.ts'
export { type ModelToTime, shapesToTime, type TimedAtShape, timeAtShapes } from './times/time-at-shapes.ts'
export {
  evenlySpread,
  processorMs,
  type SteppedSession,
  type TimesInTurns,
  type TurnOptions,
  timeInTurns,
  type VariantLatency,
  withSessions,
} from './times/time-in-turns.ts'

// Answers: of one model to a data set, by task, and how far those of another are from them.

export { changesFromDense, compareToDense, type DenseChanges, type DenseComparison } from './answers/against-dense.ts'
export { classify } from './answers/classify.ts'
export { compareEmbeddings, type Embeddings, embed, type Nearness } from './answers/embeddings.ts'
export { evaluate } from './answers/evaluate.ts'
export type { Classification, Evaluation, Outcome } from './answers/outcome.ts'
export { qualityOf } from './answers/quality.ts'
export {
  asScored,
  compareRankings,
  ndcgFigure,
  type RankingEvaluation,
  type RankingNearness,
  rank,
  rankingDivergences,
} from './answers/ranking.ts'
export { type Retrieval, retrieve } from './answers/retrieval.ts'
export { type EvaluateOptions, type Progress, runExamples } from './answers/run-examples.ts'
export {
  commonTag,
  evaluateTokens,
  expectedTagFigure,
  plainTag,
  type TokenAnswers,
  type TokenEvaluation,
  tagFigure,
  tagTokens,
  tokenAgreement,
} from './answers/tokens.ts'
export { type InputLanguages, type Transcription, transcribe, withDecoder } from './answers/transcribe.ts'

// Random examples: of unequal lengths, and answers to them next to each other.

export { type InputKind, type InputRoles, inputKind, inputRoles, isText } from './inputs/input-shapes.ts'
export { rowOf } from './inputs/rows.ts'
export { type SampleOptions, sampleInputs } from './inputs/sample-inputs.ts'
export { largestDifference, relativeDistance } from './verify/differences.ts'
export { type Arrangement, arrangements } from './verify/trials.ts'
