export { realModel, realSuite, trainedModel } from './cache.ts'
export type { RealModelName } from './models/real-model.ts'
export type { SuiteName } from './suites/suite.ts'
export type { TrainedModelName } from './trained/trained-model.ts'
