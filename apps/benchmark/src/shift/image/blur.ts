import type { RawImage } from '@tp/data/inputs'
import { checkAmount } from '../amount.ts'
import type { ImageShift } from '../shift.ts'

export type BlurKernel = 'gaussian' | 'box'

/**
 * Blurs with a Gaussian, or with a box of the same variance. Beyond the edge pixels repeat.
 * @param share standard deviation, as a share of the image's shorter side, so that images of all sizes look alike
 * @throws TpError TP_OPTION
 */
export function blur(kernel: BlurKernel, share: number): ImageShift {
  const name = kernel === 'gaussian' ? 'blur' : 'box-blur'
  checkAmount(name, 'the share of the side', share, 0, 1)
  return {
    modality: 'image',
    name: `${name} ${share}`,
    apply(image) {
      const deviation = share * Math.min(image.height, image.width)
      if (deviation === 0) return image
      const weights = kernel === 'gaussian' ? gaussian(deviation) : box(deviation)
      return along(along(image, weights, 'width'), weights, 'height')
    },
  }
}

/** Weights of a pixel and of its neighbors to one side; both sides and the pixel sum up to 1. */
type KernelWeights = readonly number[]

/** Beyond four standard deviations is next to nothing. Float32: engines may differ in the last bits of an exponential. */
function gaussian(deviation: number): KernelWeights {
  const reach = Math.ceil(4 * deviation)
  return normalized(
    Array.from({ length: reach + 1 }, (_, i) => Math.fround(Math.exp(-(i * i) / (2 * deviation * deviation)))),
  )
}

/** A box of n pixels has the variance (n² − 1) / 12; its two ends may be parts of pixels. */
function box(deviation: number): KernelWeights {
  const half = Math.sqrt(12 * deviation * deviation + 1) / 2
  const reach = Math.ceil(half - 0.5)
  return normalized(Array.from({ length: reach + 1 }, (_, i) => Math.min(1, half - (i - 0.5))))
}

function normalized(weights: KernelWeights): KernelWeights {
  const sum = weights.reduce((total, weight, i) => total + (i === 0 ? weight : 2 * weight), 0)
  return weights.map((weight) => weight / sum)
}

function along(image: RawImage, weights: KernelWeights, axis: 'width' | 'height'): RawImage {
  const { channels, height, width, pixels } = image
  const blurred = new Float32Array(pixels.length)
  const step = axis === 'width' ? 1 : width
  const last = image[axis] - 1
  for (let i = 0; i < channels * height * width; i++) {
    const position = axis === 'width' ? i % width : Math.floor(i / width) % height
    let sum = (weights[0] as number) * (pixels[i] as number)
    for (let d = 1; d < weights.length; d++) {
      const before = pixels[i - step * Math.min(d, position)] as number
      const after = pixels[i + step * Math.min(d, last - position)] as number
      sum += (weights[d] as number) * (before + after)
    }
    blurred[i] = sum
  }
  return { ...image, pixels: blurred }
}
