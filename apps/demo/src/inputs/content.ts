import type { NamedTensors } from '@tp/core/runtime'

/** Brightness 0…1, channel by channel, row by row: [channels, height, width]. */
export interface InputImage {
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly pixels: Float32Array
}

/** One channel, −1…1. */
export interface InputSound {
  /** Samples a second. */
  readonly sampleRate: number
  readonly samples: Float32Array
}

/** The input that a person gives to a model. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly image: InputImage }
  | { readonly kind: 'sound'; readonly sound: InputSound }
  /** Numbers without meaning, for models whose inputs the page cannot make. */
  | { readonly kind: 'made-up'; readonly tokens: number }

/** A part of a text: what one token stands for, or what lies between tokens. */
export interface TextPiece {
  readonly text: string
  /** Position of the token in the input. */
  readonly token: number | undefined
}

/** How the tokens of an input are shown. */
export type ShownInput =
  /** `isCut`: the text is longer than what the model reads. */
  | { readonly kind: 'words'; readonly pieces: readonly TextPiece[]; readonly isCut: boolean }
  | { readonly kind: 'patches'; readonly image: InputImage; readonly columns: number; readonly before: number }
  | { readonly kind: 'columns'; readonly sound: InputSound; readonly columns: number; readonly before: number }
  | { readonly kind: 'tokens' }

/** One input in the form that the model takes. */
export interface Sample {
  readonly feeds: NamedTensors
  /** For each token whether it is one, and not padding. */
  readonly real: readonly boolean[]
  readonly shown: ShownInput
}

/** A text without a word says nothing about a model. */
export function isEmpty(content: Content): boolean {
  return content.kind === 'text' && content.text.trim() === ''
}
