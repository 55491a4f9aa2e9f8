// Interfaces that a runtime adapter implements, helpers for it, and types for its users.

export { isTypedArray, plainTensors, sizeOf, type TensorLike, type TypedArray } from '../array.ts'
export { type RuntimePlugin, readRuntimePlugin } from '../method/plugin.ts'
export { type AbortSignalLike, abortError, throwIfAborted } from './abort.ts'
export { checkInputs } from './check-inputs.ts'
export { checkKnownOptions } from './known-options.ts'
export { packedFileError } from './packed-file.ts'
export type {
  Diagnosis,
  ModelSignature,
  NamedTensors,
  RunOptions,
  Runtime,
  Session,
  SessionOptions,
  ValueInfo,
} from './runtime.ts'
export {
  checkModelSource,
  checkSessionOptions,
  checkThreads,
  openSession,
  openSessionUnlessAborted,
  type SessionBackend,
} from './session.ts'
export {
  buffersOf,
  copyData,
  copyTensors,
  receiveError,
  type SentError,
  sendError,
  type WorkerAnswer,
} from './transfer.ts'
