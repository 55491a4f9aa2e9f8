export { batchNotes } from './batch-notes.ts'
export { type OpenPlannedOptions, openPlanned } from './open-planned.ts'
export { type Route, type RoutedOptions, routed } from './routed.ts'
export {
  type Guarding,
  type GuardRule,
  type HashedFile,
  readGuarding,
  readRunPlan,
} from './run-plan.ts'
