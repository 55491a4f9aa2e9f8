// The progress of a job with several stages: its share, its rate, and the time left.

export { type ExpectedStage, type JobProgress, jobProgress, type StageProgress } from './job-progress.ts'
