export { type Cut, type Reduced, type ReduceOptions, reduceTokens, type SiteSource } from './reduce.ts'
export { initialState, type TokenState } from './state.ts'
