import type { RealModelName } from '../models/real-model.ts'
import type { SuiteName } from '../suites/suite.ts'

export interface HeadOptions {
  /** Path of the ONNX file of the model that is trained further. */
  readonly base: string
  /** Folder of the suite of data. */
  readonly data: string
  /** New folder of the model, which is there. */
  readonly folder: string
  readonly onProgress: (step: string) => void
  readonly signal: AbortSignal
}

/** A model that is trained here: a published encoder with a head for a published suite. */
export interface TrainedModel {
  readonly what: string
  /** SPDX identifier of the base's weights; the data have their own. */
  readonly license: string
  readonly base: RealModelName
  readonly data: SuiteName
  readonly train: (options: HeadOptions) => Promise<void>
}

export type TrainedModelName =
  | 'vit-s-cifar10'
  | 'sick-MiniLM'
  | 'banking77-MiniLM'
  | 'hatecheck-MiniLM'
  | 'wnut17-MiniLM'
