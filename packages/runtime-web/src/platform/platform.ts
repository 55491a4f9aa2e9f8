import type { AbortSignalLike } from '@tp/core/runtime'

/** A worker as its owner sees it. */
export interface WorkerHandle {
  send(message: unknown, transfer: ArrayBuffer[]): void
  onMessage(listener: (message: unknown) => void): void
  /** Called when the worker cannot start or has ended by itself. */
  onFailure(listener: (reason: string) => void): void
  /** Whether an answer is awaited: an idle worker does not keep a process alive. */
  setBusy(busy: boolean): void
  /** Ends the worker at once, whatever it does; its memory is given back. */
  end(): void
}

/** The owner as its worker sees it. */
export interface OwnerHandle {
  send(message: unknown, transfer: ArrayBuffer[]): void
  onMessage(listener: (message: unknown) => void): void
}

/** The differences between a browser and Node. Chosen by "imports" in package.json, so that a browser gets no Node code. */
export interface Platform {
  /** Hardware threads. */
  readonly cores: () => number
  /**
   * Why there can be only one thread here; undefined if there can be more. `alone`: onnxruntime has a file of its own.
   * It starts its threads from the file that holds it.
   */
  readonly whyOneThread: (alone: boolean) => string | undefined
  /** Platform and processor, for people. */
  readonly describe: () => { readonly device: string; readonly platform: string }
  /** Reads a model from a URL, or in Node from a path. `where` is for errors. */
  readonly readModel: (where: string, model: string, signal: AbortSignalLike | undefined) => Promise<Uint8Array>
  /** Starts a worker from a file in dist, where the platform has other workers than a browser's. */
  readonly startWorkerThread?: (file: string) => WorkerHandle
  /** For a worker: the thread that has started it. */
  readonly owner: () => OwnerHandle
}
