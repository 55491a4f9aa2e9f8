export { isSigned, paramsAt, reducesAt } from './at-block.ts'
export { type Cut, type Reduced, type ReduceOptions, reduceTokens, type SiteSource, startedState } from './reduce.ts'
export { returnedState } from './returning.ts'
export { countTokens, initialState, type TokenState } from './state.ts'
