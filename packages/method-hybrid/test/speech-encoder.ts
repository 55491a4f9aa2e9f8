import {
  add,
  axisSize,
  div,
  gather,
  gelu,
  input,
  matmul,
  reshape,
  softmax,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'

export const MELS = 6
export const FRAMES = 48
/** One for each two frames. */
export const TOKENS = FRAMES / 2
export const HIDDEN = 8
const HEADS = 2

export interface SpeechEncoderOptions {
  /** Mel frames [b,6,48], or samples [b,96] or [b,1,96]; a token for each two frames, or each four samples. */
  readonly reads: 'frames' | 'samples' | 'channel'
  /** Input `copied` int64 [b,24]: before the first layer token i becomes what token copied_i is. */
  readonly copies?: boolean
  /** What stands between the convolutions: an operator on windows of two steps, of which the second convolution makes no more pairs. */
  readonly pool?: 'MaxPool' | 'AveragePool'
}

/** An encoder in the form of Whisper's, with random weights: convolutions over time, positions, two pre-norm layers → `states`. */
export function speechEncoder({ reads, copies = false, pool }: SpeechEncoderOptions): Model {
  const { weight, linear, norm } = randomLayers(seeded(5))
  const conv = (x: Tensor, from: number, kernel: number, stride: number): Tensor =>
    applyOne(
      operators.get('Conv') as Op,
      [x, weight([HIDDEN, from, kernel], 1 / Math.sqrt(from * kernel)), weight([HIDDEN], 0.1)],
      {
        kernel_shape: [kernel],
        strides: [stride],
        dilations: [1],
        pads: [1, 1],
      },
    )
  const given =
    reads === 'frames'
      ? input('features', 'float32', ['batch', MELS, FRAMES])
      : input('samples', 'float32', reads === 'channel' ? ['batch', 1, 2 * FRAMES] : ['batch', 2 * FRAMES])
  const samples = reads === 'samples' ? unsqueeze(given, [1]) : given
  const frames = reads === 'frames' ? conv(given, MELS, 3, 1) : conv(samples, 1, 4, 2)
  const pooled =
    pool &&
    applyOne(operators.get(pool) as Op, [gelu(frames)], { kernel_shape: [2], strides: [2], pads: [0, 0], ceil_mode: 0 })
  const steps = transpose(gelu(conv(pooled ?? gelu(frames), HIDDEN, 3, pooled === undefined ? 2 : 1)), [0, 2, 1])
  let x = add(steps, weight([TOKENS, HIDDEN], 0.5))
  if (copies) x = gather(x, input('copied', 'int64', [TOKENS]), 1)
  const attend = (y: Tensor): Tensor => {
    const split = (z: Tensor): Tensor =>
      transpose(reshape(z, [axisSize(z, 0), axisSize(z, 1), HEADS, HIDDEN / HEADS]), [0, 2, 1, 3])
    const [query, key, value] = [2, 2, 1].map((deviation) => split(linear(y, HIDDEN, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const probabilities = softmax(div(matmul(query, swapLast(key)), Math.sqrt(HIDDEN / HEADS)))
    const context = transpose(matmul(probabilities, value), [0, 2, 1, 3])
    return linear(reshape(context, [axisSize(y, 0), axisSize(y, 1), HIDDEN]), HIDDEN)
  }
  for (let layer = 0; layer < 2; layer++) {
    x = add(x, attend(norm(x)))
    x = add(x, linear(gelu(linear(norm(x), 2 * HIDDEN)), HIDDEN))
  }
  return decodeModel(emitModel({ states: norm(x) }, { opset: 17 }))
}

/** Of each example so many frames or samples that carry a signal, in front of those that do not. */
export function speech(reads: 'frames' | 'samples', loud: readonly number[], seed = 1): Float32Array {
  const normal = seeded(seed)
  const [channels, steps] = reads === 'frames' ? [MELS, FRAMES] : [1, 2 * FRAMES]
  const data = loud.flatMap((count) => {
    const own = Array.from({ length: channels * steps }, () => normal())
    const floor = reads === 'frames' ? Math.min(...own) : 0
    return own.map((value, i) => (i % steps < count ? value : floor))
  })
  return Float32Array.from(data)
}
