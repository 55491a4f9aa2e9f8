import { TpError } from '@tp/core'
import { randomNumbers } from '@tp/core/statistics'
import type { Dataset, Example, Modality, RawImage, Sound } from '@tp/data/inputs'

/** The contents of an example of each kind. */
interface Contents {
  readonly text: string
  readonly image: RawImage
  readonly audio: Sound
}

/**
 * A change of an example that its label outlives: other data than the model has learned from, of the same classes. It
 * works on the content as it is read, before tokenizing and normalizing, and does not change its input.
 */
export interface ShiftOf<M extends Modality> {
  readonly modality: M
  /** For tables and messages: `typos 0.2`, or `typos:3` where it is one of the severities of {@link shifts}. */
  readonly name: string
  /** @param random numbers in 0…1, always the same for the same example */
  apply(content: Contents[M], random: () => number): Contents[M]
}

export type TextShift = ShiftOf<'text'>
export type ImageShift = ShiftOf<'image'>
export type AudioShift = ShiftOf<'audio'>
export type Shift = TextShift | ImageShift | AudioShift

export interface ShiftOptions {
  /** Default 0. */
  readonly seed?: number | undefined
}

/**
 * A data set whose examples are shifted when they are read. Labels do not change. The shift of an example follows from the
 * shift, the seed and the example's position alone, on every machine.
 * @throws TpError TP_OPTION for a shift of another kind of data
 */
export function shifted<M extends Modality>(
  dataset: Dataset & { readonly modality: M },
  shift: ShiftOf<M>,
  options?: ShiftOptions,
): Extract<Dataset, { readonly modality: M }>
export function shifted(dataset: Dataset, shift: Shift, options?: ShiftOptions): Dataset
export function shifted(dataset: Dataset, shift: Shift, { seed = 0 }: ShiftOptions = {}): Dataset {
  if (dataset.modality === 'text' && shift.modality === 'text') return changed(dataset, shift, seed)
  if (dataset.modality === 'image' && shift.modality === 'image') return changed(dataset, shift, seed)
  if (dataset.modality === 'audio' && shift.modality === 'audio') return changed(dataset, shift, seed)
  const problem = `the shift ${shift.name} is for ${shift.modality} data, but ${dataset.source} holds ${dataset.modality} data`
  throw new TpError('TP_OPTION', 'benchmark', `${problem}; shifts lists those of each kind`)
}

/** Examples of one kind; their union would forget which shift fits. */
interface ShiftableExamples<M extends Modality> {
  readonly modality: M
  readonly source: string
  readonly examples: readonly Example<Contents[M]>[]
}

function changed<M extends Modality>(
  dataset: ShiftableExamples<M>,
  shift: ShiftOf<M>,
  seed: number,
): ShiftableExamples<M> {
  const examples = dataset.examples.map(
    (example, position): Example<Contents[M]> => ({
      label: example.label,
      source: `${example.source}, ${shift.name}`,
      ...(example.pair !== undefined && { pair: example.pair }),
      read: async (shape) => shift.apply(await example.read(shape), randomNumbers(seed + position * SPREAD)),
    }),
  )
  return { modality: dataset.modality, source: `${dataset.source}, ${shift.name}`, examples }
}

/** 2³² over the golden ratio, so that neighboring seeds and positions do not share their numbers. */
const SPREAD = 0x9e3779b1
