import type { TrainingPart } from '../learn.ts'

/** A part of the state of a training: a checkpoint of either part, or what the dense model has answered before them. */
export type StoredPart = TrainingPart | 'answers'

/** Where the state of a training is kept while it runs, so that an interrupted one can be resumed. */
export interface TrainingStore {
  /** Undefined where there is none. */
  read(part: StoredPart): Promise<Uint8Array | undefined>
  /** Replaces what is there, whole or not at all. */
  write(part: StoredPart, bytes: Uint8Array): Promise<void>
  remove(part: StoredPart): Promise<void>
}

/** Origin of errors of stored answers. */
export const ANSWERS_PART = 'train, answers of the dense model'

/** A training that cannot be resumed is one that cannot be interrupted: for what takes seconds. */
export const withoutStore: TrainingStore = {
  read: async () => undefined,
  write: async () => undefined,
  remove: async () => undefined,
}
