export { difference, numbers, rows } from './compare.ts'
export { convolutional } from './convolutional.ts'
export { type Attend, attentionSizes, encoderWithHead, type HeadInput } from './encoder-with-head.ts'
export {
  type DataSet,
  type DropGolden,
  dataSets,
  type Fixture,
  type FixtureFacts,
  fixturesFolder,
  fixturesIn,
  type Golden,
  goldens,
  type MergeGolden,
  openFixture,
  sharedFolder,
} from './folder.ts'
export { fullPrecision } from './full-precision.ts'
export { type FusedEncoderOptions, type Fusion, fusedEncoder } from './fused-encoders.ts'
export { inTurn, thorough } from './in-turn.ts'
export { languageModel } from './language-model.ts'
export { type RandomLayers, randomLayers } from './layers.ts'
export { lessPrecision, type Precision } from './less-precision.ts'
export { mutant, mutationNames } from './mutants.ts'
export { seeded } from './random.ts'
export { openModel, runModel, runOnEach } from './session.ts'
export { compareWithSibling, type Pruner, type SiblingComparison } from './sibling.ts'
export { type SpeechEncoderOptions, speech, speechEncoder, speechSizes } from './speech-encoder.ts'
export { type TokensFirstOptions, tokensFirstEncoder } from './tokens-first.ts'
export { type UnplacedHead, unplacedEncoder } from './unplaced-encoder.ts'
export { variants } from './variants.ts'
