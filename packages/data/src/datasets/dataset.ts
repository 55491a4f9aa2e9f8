import type { Ranking } from './ranking.ts'

export type Modality = 'text' | 'image' | 'audio'

export interface ImageShape {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** How an image from a file is brought to the size that a model takes. Default: it is squeezed to it. */
export interface ImageFraming {
  /** The size to which it is resized: both sides, or the shorter one, the other in proportion. */
  readonly resize?: { readonly height: number; readonly width: number } | { readonly shortestEdge: number } | undefined
  /** The size of its center, which is taken then. */
  readonly crop?: { readonly height: number; readonly width: number } | undefined
  /** How pixels are interpolated. */
  readonly kernel?: 'nearest' | 'lanczos3' | 'linear' | 'cubic' | 'box' | 'hamming' | undefined
}

/** Brightness 0…1, channel by channel, row by row: [channels, height, width]. */
export interface RawImage extends ImageShape {
  readonly pixels: Float32Array
}

/** One channel, −1…1. */
export interface Sound {
  /** Samples a second. */
  readonly sampleRate: number
  readonly samples: Float32Array
}

/** The class number of an example whose class is not known. */
export const UNLABELED = -1

export interface Example<Content> {
  /** Class number, which is an index into the model's logits; {@link UNLABELED} where it is not known. */
  readonly label: number
  /** Where the example comes from (file, line), for messages. */
  readonly source: string
  /** The content; images from files are brought to the given shape, the others come as they are. */
  read(shape?: ImageShape, framing?: ImageFraming): Content | Promise<Content>
  /** The second text of a pair. */
  readonly pair?: string | undefined
  /** The file that it is read from, where reading takes longer than that. */
  bytes?(): Promise<Uint8Array>
}

interface Examples<M extends Modality, Content> {
  readonly modality: M
  /** Where the data come from, for messages and reports. */
  readonly source: string
  readonly examples: readonly Example<Content>[]
  /** Facts that a user should know: which files of a folder are not read. */
  readonly notes?: readonly string[]
}

export interface TextDataset extends Examples<'text', string> {
  /** Of pairs of a query and a document: which candidates are to be ranked together. */
  readonly ranking?: Ranking | undefined
}
export type ImageDataset = Examples<'image', RawImage>
export type AudioDataset = Examples<'audio', Sound>
export type Dataset = TextDataset | ImageDataset | AudioDataset

/** A data set from texts, or pairs of texts, in memory. */
export function textDataset(
  source: string,
  texts: readonly { text: string; label: number; pair?: string | undefined; source?: string }[],
  ranking?: Ranking,
): TextDataset {
  const examples = texts.map((item, i) => ({
    label: item.label,
    source: item.source ?? `${source}, text ${i}`,
    read: () => item.text,
    ...(item.pair !== undefined && { pair: item.pair }),
  }))
  return { modality: 'text', source, examples, ...(ranking && { ranking }) }
}

/** A data set from images in memory; `pixels` are [channels, height, width], 0…1. */
export function imageDataset(
  source: string,
  shape: ImageShape,
  images: readonly { pixels: Float32Array; label: number }[],
): ImageDataset {
  const examples = images.map(({ pixels, label }, i) => ({
    label,
    source: `${source}, image ${i}`,
    read: () => ({ ...shape, pixels }),
  }))
  return { modality: 'image', source, examples }
}
