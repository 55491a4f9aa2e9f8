// Runs a model of texts on files of any size.

export type { BulkTask } from './model/compute-spec.ts'
export type { BulkProgress } from './progress.ts'
export { runWorker, type WorkerOptions } from './queue/worker.ts'
export { type BulkGuard, type BulkOptions, type BulkReport, type QueueOptions, runBulk } from './run.ts'
