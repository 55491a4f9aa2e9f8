// For adapters of runtimes, and for their users.

// Contract: a runtime loads models as sessions; a plugin brings a runtime.

export { type RuntimePlugin, readRuntimePlugin } from '../method/plugin.ts'
export type { Diagnosis, ModelSignature, RunOptions, Runtime, Session, SessionOptions, ValueInfo } from './runtime.ts'

// Tensors: named values, and copies of them.

export { isTypedArray, plainTensors, sizeOf, type TensorLike, type TypedArray } from '../array.ts'
export type { NamedTensors } from './runtime.ts'
export { buffersOf, copyData, copyTensors } from './transfer.ts'

// Answers: the form of the numbers that a model answers by.

export { type AnswerForm, answerForms, asLogits } from './answer-form.ts'

// Sessions: a session from a backend: inputs are checked, ends are waited for, an abort is heard.

export { type AbortSignalLike, abortError, throwIfAborted } from './abort.ts'
export { checkInputs } from './check-inputs.ts'
export { checkKnownOptions } from './known-options.ts'
export { packedFileError } from './packed-file.ts'
export { pause } from './pause.ts'
export {
  checkModelSource,
  checkSessionOptions,
  checkThreads,
  openSession,
  openSessionUnlessAborted,
  type SessionBackend,
} from './session.ts'

// Workers: errors and answers that pass between threads.

export { receiveError, type SentError, sendError, type WorkerAnswer } from './transfer.ts'
