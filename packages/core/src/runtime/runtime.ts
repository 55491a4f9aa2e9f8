import type { TensorLike } from '../array.ts'
import type { AbortSignalLike } from './abort.ts'

/** The declaration of one input or output of a model. A dim is a number, a name where the size is free, '' if it has none. */
export interface ValueInfo {
  readonly name: string
  readonly type: string
  readonly dims: readonly (number | string)[]
}

/** Inputs or outputs of a model by name. */
export type NamedTensors = Readonly<Record<string, TensorLike>>

export interface SessionOptions {
  /** Threads inside one operator; 1 for figures that can be compared. Default: the runtime's own choice, in Node 1 for a model of at most 1 MiB and otherwise one for each core. */
  readonly threads?: number | undefined
  /** Run in a worker, so that the caller's event loop stays free. Default false. */
  readonly worker?: boolean | undefined
  readonly signal?: AbortSignalLike | undefined
}

export interface RunOptions {
  /** A run that waits is dropped at once; one already inside the runtime ends first, its result is discarded. */
  readonly signal?: AbortSignalLike | undefined
}

/** Inputs and outputs of a model. */
export interface ModelSignature {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}

/** One loaded model. Runs go one at a time, in order of arrival. */
export interface Session extends ModelSignature, AsyncDisposable {
  /**
   * Runs the model once. Inputs are checked by name, type and shape before the runtime sees them. Their arrays are not
   * changed, and must not be changed until the run has ended.
   * @throws TpError TP_INPUT when an input is missing, unknown, or has the wrong type or shape; TP_RUN when the
   *   runtime fails; TP_ABORTED; TP_DISPOSED
   */
  run(inputs: NamedTensors, options?: RunOptions): Promise<NamedTensors>
  /** Runs once on each set of inputs, so that later timings do not include first-time work. */
  warmUp(...inputs: readonly NamedTensors[]): Promise<void>
  /**
   * Frees the model once the current run has ended; runs that still wait are rejected with TP_DISPOSED.
   * May be called again. It is what `await using` calls.
   */
  dispose(): Promise<void>
}

export interface Diagnosis {
  readonly runtime: string
  readonly version: string
  /** Threads that are available. */
  readonly threads: number
  /** The device that computes: the processor's or graphics adapter's name. */
  readonly device: string
  readonly notes: readonly string[]
}

/** A way to run ONNX files. Packages `@tp/runtime-*` supply one each; anyone can supply another. */
export interface Runtime {
  readonly name: string
  /**
   * Loads a model from its path or URL, or from its bytes.
   * @throws TpError TP_MODEL_LOAD when the runtime refuses the model; TP_FILE_NOT_FOUND; TP_EXTERNAL_DATA when data
   *   that the model keeps in other files cannot be read; TP_ABORTED
   */
  load(model: Uint8Array | string, options?: SessionOptions): Promise<Session>
  diagnose(): Promise<Diagnosis>
}
