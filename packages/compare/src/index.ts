export { compareToDense, type DenseComparison } from './answers/against-dense.ts'
export { compareEmbeddings, type Embeddings, embed, type Nearness } from './answers/embeddings.ts'
export { evaluate } from './answers/evaluate.ts'
export { analyseFlips, type Flip, type FlipAnalysis, type KeptToken } from './answers/flips.ts'
export type { Evaluation, Outcome } from './answers/outcome.ts'
export { qualityOf } from './answers/quality.ts'
export {
  asScored,
  compareRankings,
  ndcgFigure,
  type RankingEvaluation,
  type RankingNearness,
  rank,
  rankingDivergences,
  rankingIn,
} from './answers/ranking.ts'
export { type Retrieval, retrieve } from './answers/retrieval.ts'
export type { EvaluateOptions } from './answers/run-examples.ts'
export { evaluateTokens, type TokenEvaluation, tokenAgreement } from './answers/tokens.ts'
export { type Transcription, transcribe, withDecoder } from './answers/transcribe.ts'
export { decoderDistances } from './decoders/decoder-distances.ts'
export { promptsText } from './decoders/prompt-runs.ts'
export { type DecoderVerifyOptions, verifyDecoder, verifyPromptRuns } from './decoders/verify-decoder.ts'
export { verifyPress } from './decoders/verify-press.ts'
export { verifyStates } from './decoders/verify-states.ts'
export {
  flopsSizes,
  type InputKind,
  type InputRoles,
  inputKind,
  inputRoles,
  isText,
  type WantedSizes,
} from './inputs/input-shapes.ts'
export { mapTensors, rowOf } from './inputs/rows.ts'
export { type SampleOptions, sampleInputs } from './inputs/sample-inputs.ts'
export { type TimesInTurns, type TurnOptions, timeInTurns, withSessions } from './times/time-in-turns.ts'
export { type Answer, answersTo, type Distance, distanceOf, ownDistances } from './verify/answers.ts'
export { type Comparison, compareAnswers } from './verify/compare-answers.ts'
export { denseSession } from './verify/dense-session.ts'
export {
  areFinite,
  largestDifference,
  notVerified,
  relativeDistance,
  requireClose,
  requireFinite,
  requireFiniteDense,
  requireSameShapes,
} from './verify/differences.ts'
export { type Invariance, type InvarianceOptions, verifyInvariance } from './verify/invariance.ts'
export { requireZeroPadding } from './verify/padding-rows.ts'
export { roundingOf } from './verify/rounding.ts'
export { type Arrangement, arrangements, type Trial, type TrialExample, trialsFor } from './verify/trials.ts'
export { answersOfBoth, type BothAnswers, type VerifyOptions, verify } from './verify/verify.ts'
export { type QuantizedComparison, verifyQuantized } from './verify/verify-quantized.ts'
