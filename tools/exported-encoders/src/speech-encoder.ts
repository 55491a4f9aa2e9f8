import {
  add,
  axisSize,
  concat,
  constant,
  div,
  gather,
  gelu,
  input,
  matmul,
  mul,
  reshape,
  slice,
  softmax,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { randomLayers } from './layers.ts'
import { seeded } from './random.ts'

const MELS = 6
const FRAMES = 48
/** One for each two frames. */
const TOKENS = FRAMES / 2
const HIDDEN = 8
const HEADS = 2

export const speechSizes: Readonly<Record<'mels' | 'frames' | 'tokens' | 'hidden', number>> = {
  mels: MELS,
  frames: FRAMES,
  tokens: TOKENS,
  hidden: HIDDEN,
}

export interface SpeechEncoderOptions {
  /**
   * Mel frames [b,6,48], or samples [b,96], [b,1,96] or [b,2,96]; a token for each two frames, or each four samples. Or a spectrogram
   * [b,48,6] as AST's: two learned tokens, then patches in two rows of eleven, each of three bands and eight frames, a new one every four.
   */
  readonly reads: 'frames' | 'samples' | 'channel' | 'stereo' | 'spectrogram'
  /** Input `copied` int64 [b,24]: before the first layer token i becomes what token copied_i is. */
  readonly copies?: boolean
  /**
   * The operator between the convolutions: an operator on windows of two steps, of which the second convolution makes no
   * more pairs.
   */
  readonly pool?: 'MaxPool' | 'AveragePool'
  /** Positions are sinusoids, as Whisper's are, and outweigh what is heard: states of neighbors are alike. Default: random. */
  readonly sinusoids?: boolean
  /** Outputs `encoder_attentions.0` and `.1` float32 [b,h,24,24], too. */
  readonly attentions?: boolean
}

/** An encoder in the form of Whisper's, with random weights: convolutions over time, positions, two pre-norm layers → `last_hidden_state`. */
export function speechEncoder({
  reads,
  copies = false,
  pool,
  sinusoids = false,
  attentions = false,
}: SpeechEncoderOptions): Model {
  const { weight, linear, norm } = randomLayers(seeded(5))
  const conv = (x: Tensor, from: number, kernel: number, stride: number): Tensor =>
    convolved(x, [HIDDEN, from, kernel], [stride], [1, 1])
  const convolved = (
    x: Tensor,
    shape: readonly number[],
    strides: readonly number[],
    pads: readonly number[],
  ): Tensor => {
    const [, from = 1, ...kernel] = shape
    const deviation = 1 / Math.sqrt(kernel.reduce((product, size) => product * size, from))
    return applyOne(operators.get('Conv') as Op, [x, weight(shape, deviation), weight([HIDDEN], 0.1)], {
      ...{ kernel_shape: kernel, strides, dilations: kernel.map(() => 1), pads },
    })
  }
  const ofTime = (): Tensor => {
    const channels = { samples: [], frames: [MELS], channel: [1], stereo: [2], spectrogram: [] }[reads]
    const samplesIn =
      reads === 'frames'
        ? input('input_features', 'float32', ['batch', MELS, FRAMES])
        : input('input_values', 'float32', ['batch', ...channels, 2 * FRAMES])
    const samples = reads === 'samples' ? unsqueeze(samplesIn, [1]) : samplesIn
    const frames = reads === 'frames' ? conv(samplesIn, MELS, 3, 1) : conv(samples, channels[0] ?? 1, 4, 2)
    const pooled =
      pool &&
      applyOne(operators.get(pool) as Op, [gelu(frames)], {
        kernel_shape: [2],
        strides: [2],
        pads: [0, 0],
        ceil_mode: 0,
      })
    return transpose(gelu(conv(pooled ?? gelu(frames), HIDDEN, 3, pooled === undefined ? 2 : 1)), [0, 2, 1])
  }
  const ofPatches = (): Tensor => {
    const image = transpose(unsqueeze(input('input_values', 'float32', ['batch', FRAMES, MELS]), [1]), [0, 1, 3, 2])
    const grid = convolved(image, [HIDDEN, 1, 3, 8], [3, 4], [0, 0, 0, 0])
    const patches = transpose(reshape(grid, [axisSize(grid, 0), HIDDEN, TOKENS - 2]), [0, 2, 1])
    const learned = mul(slice(patches, { axis: 1, start: 0, end: 2 }), 0)
    return concat([add(learned, weight([2, HIDDEN], 1)), patches], 1)
  }
  const steps = reads === 'spectrogram' ? ofPatches() : ofTime()
  let x = add(steps, sinusoids ? constant(waves(), 'float32', [TOKENS, HIDDEN]) : weight([TOKENS, HIDDEN], 0.5))
  if (copies) x = gather(x, input('copied', 'int64', [TOKENS]), 1)
  const probabilitiesOf: Tensor[] = []
  const attend = (y: Tensor): Tensor => {
    const split = (z: Tensor): Tensor =>
      transpose(reshape(z, [axisSize(z, 0), axisSize(z, 1), HEADS, HIDDEN / HEADS]), [0, 2, 1, 3])
    const [query, key, value] = [2, 2, 1].map((deviation) => split(linear(y, HIDDEN, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const probabilities = softmax(div(matmul(query, swapLast(key)), Math.sqrt(HIDDEN / HEADS)))
    probabilitiesOf.push(probabilities)
    const context = transpose(matmul(probabilities, value), [0, 2, 1, 3])
    return linear(reshape(context, [axisSize(y, 0), axisSize(y, 1), HIDDEN]), HIDDEN)
  }
  for (let layer = 0; layer < 2; layer++) {
    x = add(x, attend(norm(x)))
    x = add(x, linear(gelu(linear(norm(x), 2 * HIDDEN)), HIDDEN))
  }
  const own = probabilitiesOf.map((probabilities, layer) => [`encoder_attentions.${layer}`, probabilities] as const)
  return decodeModel(
    emitModel({ last_hidden_state: norm(x), ...(attentions && Object.fromEntries(own)) }, { opset: 17 }),
  )
}

/** [n,D]: sines and cosines, the longest half as often as there are tokens. */
function waves(): number[] {
  return Array.from({ length: TOKENS * HIDDEN }, (_, i) => {
    const [position, channel] = [Math.floor(i / HIDDEN), i % HIDDEN]
    const angle = (Math.PI * position * 2 ** Math.floor(channel / 2)) / TOKENS
    return 3 * (channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle))
  })
}

/** For each example so many frames or samples that carry a signal, before those that do not. */
export function speech(reads: 'frames' | 'samples' | 'spectrogram', loud: readonly number[], seed = 1): Float32Array {
  const normal = seeded(seed)
  const [channels, steps] = reads === 'samples' ? [1, 2 * FRAMES] : [MELS, FRAMES]
  const step = (i: number): number => (reads === 'spectrogram' ? Math.floor(i / MELS) : i % steps)
  const data = loud.flatMap((count) => {
    const own = Array.from({ length: channels * steps }, () => normal())
    const floor = reads === 'samples' ? 0 : Math.min(...own)
    return own.map((value, i) => (step(i) < count ? value : floor))
  })
  return Float32Array.from(data)
}
