import type { ModelReport } from '@tp/transformers'
import type { PageWorkerAnswer } from '../engine/ask-worker.ts'

/** Where a Whisper model is: files by their paths in its folder, the address of such a folder, or its name on a hub. */
export type ListenerSource =
  | { readonly kind: 'files'; readonly files: ReadonlyMap<string, File> }
  | { readonly kind: 'address'; readonly address: string }

export type Side = 'dense' | 'pruned'

/** `open` is the first; each request gets one answer, in order. `wasm`: address of onnxruntime's. */
export type ListenRequest =
  | { readonly kind: 'open'; readonly source: ListenerSource; readonly wasm: string }
  /** 16,000 samples a second */
  | { readonly kind: 'listen'; readonly side: Side; readonly samples: Float32Array }

/** The words that one model has understood, and the time it took. */
export interface Heard {
  readonly text: string
  readonly encoderMs: number
  /** With decoder and mel frames. */
  readonly totalMs: number
  /** How long the sound is. */
  readonly soundMs: number
  /** Of the first window. */
  readonly spectrogram?: Spectrogram
}

/** The mel frames of a window. */
export interface Spectrogram {
  readonly bands: number
  readonly frames: number
  /** 0 to 255, the lowest band first: [bands, frames] */
  readonly levels: Uint8Array
  /** The positions, each of several frames, that the encoder computes; absent: all. */
  readonly kept?: readonly number[]
}

export interface ListenResults {
  readonly open: ModelReport
  readonly listen: Heard
}

export type ListenAnswer = PageWorkerAnswer<ListenResults[ListenRequest['kind']]>
