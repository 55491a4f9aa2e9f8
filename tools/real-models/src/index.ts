export { realModel } from './model-cache.ts'
export type { RealModelName } from './real-model.ts'
