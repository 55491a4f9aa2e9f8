import type { ModelSignature, ValueInfo } from '@tp/core/runtime'

/**
 * An output with a number for each pixel, as of models that estimate depth: [batch, height, width], of the height and width of the image that goes
 * in, or of free ones. Rows of tokens have a fixed width.
 */
export function mapOutput({ inputs, outputs }: ModelSignature): ValueInfo | undefined {
  const image = inputs.find(({ dims }) => dims.length === 4)
  const own = outputs.filter(({ name }) => !name.startsWith('tp.'))
  const [output] = own
  if (image === undefined || own.length !== 1 || output?.dims.length !== 3) return undefined
  const [height, width] = output.dims.slice(1)
  const isFree = typeof height !== 'number' && typeof width !== 'number'
  const isAsLarge = height === image.dims[2] && width === image.dims[3]
  return isFree || isAsLarge ? output : undefined
}
