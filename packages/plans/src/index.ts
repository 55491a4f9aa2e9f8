export { type OpenPlannedOptions, openPlanned } from './open-planned.ts'
export { type Route, type RoutedOptions, routed } from './routed.ts'
export {
  type FallbackRule,
  type Guarding,
  type HashedFile,
  type RunPlan,
  readGuarding,
  readRunPlan,
} from './run-plan.ts'
