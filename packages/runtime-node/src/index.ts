export { nodeRuntime } from './node-runtime.ts'
export { type OperatorTotal, readProfile } from './read-profile.ts'
