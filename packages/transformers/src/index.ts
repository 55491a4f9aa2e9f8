export type { ModelReport } from './model-report.ts'
export { type PruneModelsOptions, type Pruning, pruneModels } from './prune-models.ts'
