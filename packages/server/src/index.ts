// Serves encoders over HTTP, and the engine without it.

export { type BatchReport, type Engine, type EngineOptions, startEngine } from './engine/engine.ts'
export { type ExampleRow, rowsOf } from './engine/row.ts'
export type { RequestLimits } from './http/context.ts'
export type { GuardOptions } from './model/guarded.ts'
export type { ServedModelOptions } from './model/open-model.ts'
export { type ModelToServe, type ServeOptions, type Server, serve } from './serve.ts'
