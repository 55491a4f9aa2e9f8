import type { NamedTensors } from '@tp/core/runtime'

/** How the child is ended where it takes too much. */
export const ENDED_BY = { memory: 'SIGKILL', time: 'SIGTERM' } as const

/** Requests of the parent to the child that runs models; one at a time, each gets one answer. Models have numbers. */
export type BoundedRequest =
  | {
      readonly kind: 'load'
      readonly model: number
      readonly module?: string
      readonly from: Uint8Array | string
      /** Of this model. */
      readonly bounds: Bounds
    }
  | { readonly kind: 'run'; readonly model: number; readonly inputs: NamedTensors }
  | { readonly kind: 'close'; readonly model: number }
  | { readonly kind: 'diagnose'; readonly module?: string }

/** Resource limits for running a model. */
export interface Bounds {
  /** Bytes of its process. */
  readonly bytes: number
  /** Seconds in which it is loaded and run, of the clock and of a processor: on a busy machine it has the time that it needs. */
  readonly seconds: number
}

/** The messages to the thread that watches the child. */
export interface WatchRequest {
  /** Process that waits for the child's answers. */
  readonly parent: number
}
