import type { PreTrainedModel } from '@huggingface/transformers'
import type { LOAD, Load } from '../load.ts'

export type FromPretrained = typeof PreTrainedModel.from_pretrained

/** The class of which transformers.js makes its sessions, as far as it is used here. */
export interface SessionClass {
  create(model: string | Uint8Array, options?: PipelineSessionOptions): Promise<object>
}

export interface PipelineSessionOptions {
  readonly externalData?: readonly (string | { readonly path: string; readonly data: unknown })[]
  readonly extra?: { readonly session?: object; readonly [name: string]: unknown }
  readonly [LOAD]?: Load
  /** Options of which nothing needs to be known. */
  readonly [name: string]: unknown
}

/** A model as its session would be made of it. */
interface OpenedFile {
  readonly bytes: Uint8Array
  /** Reads a part of a data file in the model's folder; absent where there is no folder. */
  readonly readPart?: (location: string, offset: number, length: number) => Uint8Array
  /** The folder, if there is one. */
  readonly folder?: string
}

export interface PipelinePlatform {
  /** The very class that the transformers.js of this program uses, whatever copies of onnxruntime there are. */
  findSessionClass(fromPretrained: FromPretrained): Promise<SessionClass>
  /** In Node, `create` is called with a path. */
  open(model: string | Uint8Array): Promise<OpenedFile>
}
