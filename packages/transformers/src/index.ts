export type { ModelReport } from './model-report.ts'
export type { PruneModelsOptions } from './plans.ts'
export { type CachePressing, pressCaches } from './press-caches.ts'
export { type PipelinePruning, pruneModels } from './prune-models.ts'
