export { type StageOptions, writeModelFile } from './model/stage-model.ts'
export { findMethod, type KnownMethod, loadMethods, type MethodCatalog } from './plugins/load-methods.ts'
export { type TrainedOn, trainLine, valuesFile } from './training/train-line.ts'
