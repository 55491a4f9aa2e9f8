import { type DType, TpError } from '@tp/core'
import { cloneModel, type DeclaredValue, Graph, type Model } from '@tp/onnx'
import { planFields } from '../plan/plan.ts'
import { demand, requireOptions } from '../plan/require-options.ts'
import type { Transform } from './transform.ts'

export interface FixImageSizeOptions {
  /** Height and width in pixels: `224x224`. */
  readonly imageSize: string
}

export interface FixImageSizeReport extends FixImageSizeOptions {
  readonly transform: 'fixImageSize'
}

/**
 * Writes the size of its images into a model that takes any: exports of optimum resize the position embeddings of a ViT to the grid of patches in
 * every run, and `prune` writes down what follows from known sizes, so that a runtime does that once. Exact for images of this size;
 * others are refused by the runtime then.
 * @throws TpError TP_OPTION for what is not a size; once applied, TP_INPUT for a model without one input [batch, channels, height, width], or
 * whose images have another size
 * @example
 * const { model } = transform(vit, fixImageSize({ imageSize: '224x224' }), prune({ method: none(), schedule: new Map() }))
 */
export function fixImageSize(options: FixImageSizeOptions): Transform<FixImageSizeReport> {
  const { imageSize } = requireOptions(options, ['imageSize']) as unknown as FixImageSizeOptions
  demand('imageSize', imageSize, planFields.imageSize)
  return {
    name: 'fixImageSize',
    requires: [],
    ensures: [],
    apply: ({ model }) => ({ model: sized(model, imageSize), report: { transform: 'fixImageSize', imageSize } }),
  }
}

function sized(source: Model, imageSize: string): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const { name, type, dims } = imagesOf(graph.inputs)
  const size = imageSize.split('x').map(Number)
  const own = dims.slice(2)
  if (own.some((dim, axis) => typeof dim === 'number' && dim !== size[axis]))
    throw new TpError(
      'TP_INPUT',
      'compiler',
      `images of ${name} are [${own}] already, and ${imageSize} is to be written`,
    )
  const free = dims.slice(0, 2).map((dim) => (dim === '?' ? undefined : dim))
  graph.setValueInfo(name, type as DType, [...free, ...size])
  return model
}

/** The one input of images, with its four axes. @throws TpError TP_INPUT */
function imagesOf(inputs: readonly DeclaredValue[]): DeclaredValue & { readonly dims: readonly (number | string)[] } {
  const [found, ...others] = inputs.filter(({ type, dims }) => /^float/.test(type ?? '') && dims?.length === 4)
  if (found?.dims !== undefined && others.length === 0) return { ...found, dims: found.dims }
  const seen = inputs.map(({ name, dims }) => `${name} [${dims ?? ''}]`).join(', ')
  const problem = 'an image size is for models with one input [batch, channels, height, width]'
  throw new TpError('TP_INPUT', 'compiler', `${problem}; this one has ${seen}`)
}
