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
