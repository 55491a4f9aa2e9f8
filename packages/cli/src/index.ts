export { type StageOptions, writeModelFile } from '@tp/data/files'
export { findMethod, type KnownMethod, loadMethods, type MethodCatalog } from './plugins/load-methods.ts'
export { type TrainedOn, trainLine, valuesFile } from './printing/train-line.ts'
