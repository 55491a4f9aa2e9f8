import {
  abs,
  add,
  axisSize,
  cast,
  clip,
  concat,
  cumSum,
  div,
  equal,
  gather,
  greater,
  less,
  max,
  min,
  mul,
  not,
  or,
  range,
  slice,
  squeeze,
  sub,
  type Tensor,
  transpose,
} from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import { findSignalSource } from '../analyze/signal-source.ts'
import type { PatchOrder } from '../analyze/spectrogram-patches.ts'
import type { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'

/**
 * bool [B,N]: which tokens of the input of a model of speech are made from anything that carries a signal.
 *
 *   loud_t = max over mels of x_t > min over mels of x_t              mel frames [b,F,T]: all bands are alike at the floor where
 *                                                                      logarithms were clipped, and in zeros that fill a window
 *   loud_t = x_t ≠ 0                                                   samples [b,T]
 *   loud_t = x_t ≠ 0 in any channel                                    samples [b,1,T] or [b,2,T]
 *   loud_t = max over bands of x_t > min over bands of x_t            spectrogram [b,T,F]
 *   token j: whether any step is loud of those that it is made from; learned tokens always are
 *
 * @throws Refused TP_NO_SIGNAL for a model that makes its tokens from something else
 */
export function signalOfInput(program: Program, encoder: Encoder, { value }: Operands): Tensor {
  const source = findSignalSource(program, encoder)
  const actual = program.tensor(source.input)
  const { patches } = source
  const x = patches === undefined ? value(source.input) : transpose(value(source.input), [0, 2, 1])
  const channels = actual.rank === 3 ? (actual.dims[patches === undefined ? 1 : 2] as Dim) : undefined
  const isFrames = channels !== undefined && !(typeof channels === 'number' && channels <= STEREO)
  const samples = (): Tensor => (channels === undefined ? x : max(abs(x), 1))
  const loud = cast(isFrames ? isUneven(x) : not(equal(samples(), 0)), 'float32') // [b,T]
  // Sums over windows as differences of a running sum: c_i = loud_0 + … + loud_(i−1).
  const none = slice(loud, { axis: 1, start: 0, end: 1 })
  const upTo = concat([sub(none, none), cumSum(loud, 1)], 1)
  const tokens = value((encoder.layers[0] as Layer).input, ['B', 'N', 'D'])
  const steps = axisSize(x, actual.rank - 1)
  const token = range(0, squeeze(axisSize(tokens, 1), [0]))
  const start = add(mul(patches === undefined ? token : positionInTime(token, patches), source.stride), source.offset)
  const at = (index: Tensor): Tensor => gather(upTo, clip(index, 0, squeeze(steps, [0])), 1)
  const isLoud = greater(sub(at(add(start, source.window)), at(start)), 0)
  return patches === undefined || patches.leading === 0 ? isLoud : or(isLoud, less(token, patches.leading))
}

/** Of patches that are flattened row by row, after learned tokens. int64 [N] */
function positionInTime(token: Tensor, { leading, columns, time }: PatchOrder): Tensor {
  const patch = sub(token, leading)
  const row = div(patch, columns)
  return time === 'row' ? row : sub(patch, mul(row, columns))
}

/** Channels of sound; there are more mel bands than that. */
const STEREO = 2

/** x [b,F,T] → bool [b,T] */
function isUneven(x: Tensor): Tensor {
  return greater(max(x, 1), min(x, 1))
}
