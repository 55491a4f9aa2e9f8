import type { Op } from '../expression/tensor.ts'
import { activationOps } from './activations.ts'
import { ArgMax, ArgMin } from './arg-max.ts'
import { Attention } from './attention.ts'
import { BatchNormalization } from './batch-normalization.ts'
import { binaryOps } from './binary.ts'
import { Cast, CastLike } from './cast.ts'
import { Clip } from './clip.ts'
import { Concat } from './concat.ts'
import { Constant } from './constant.ts'
import { ConstantOfShape } from './constant-of-shape.ts'
import { Conv } from './conv.ts'
import { CumSum } from './cumsum.ts'
import { DFT } from './dft.ts'
import { Dropout } from './dropout.ts'
import { Einsum } from './einsum.ts'
import { Expand } from './expand.ts'
import { EyeLike } from './eye-like.ts'
import { Gather } from './gather.ts'
import { GatherElements } from './gather-elements.ts'
import { GatherND } from './gather-nd.ts'
import { Gelu } from './gelu.ts'
import { Gemm } from './gemm.ts'
import { Input } from './input.ts'
import { IsInf } from './is-inf.ts'
import { MatMul } from './matmul.ts'
import { microsoftOps } from './microsoft.ts'
import { nchwcOps } from './nchwc.ts'
import { NonZero } from './non-zero.ts'
import {
  GroupNormalization,
  InstanceNormalization,
  LayerNormalization,
  LpNormalization,
  RMSNormalization,
  SimplifiedLayerNormalization,
} from './normalization.ts'
import { Pad } from './pad.ts'
import { AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool } from './pool.ts'
import { ConvInteger, DequantizeLinear, DynamicQuantizeLinear, MatMulInteger, QuantizeLinear } from './quantize.ts'
import { Range } from './range.ts'
import { reduceOps } from './reduce.ts'
import { Flatten, Reshape } from './reshape.ts'
import { Resize } from './resize.ts'
import { RotaryEmbedding } from './rotary-embedding.ts'
import { ScatterElements } from './scatter-elements.ts'
import { ScatterND } from './scatter-nd.ts'
import { Shape, Size } from './shape.ts'
import { Slice } from './slice.ts'
import { LogSoftmax, Softmax } from './softmax.ts'
import { Split } from './split.ts'
import { Squeeze, Unsqueeze } from './squeeze.ts'
import { Tile } from './tile.ts'
import { TopK } from './top-k.ts'
import { Transpose } from './transpose.ts'
import { Trilu } from './trilu.ts'
import { unaryOps } from './unary.ts'
import { Where } from './where.ts'

/** Every operator the toolkit knows, by op type; those of onnxruntime's own domain as `com.microsoft.X`. */
export const operators: ReadonlyMap<string, Op> = new Map(
  [
    ...unaryOps.values(),
    ...activationOps.values(),
    ...binaryOps.values(),
    ...reduceOps.values(),
    ...microsoftOps,
    ...nchwcOps,
    ArgMax,
    ArgMin,
    Attention,
    AveragePool,
    BatchNormalization,
    Cast,
    CastLike,
    Clip,
    Concat,
    Constant,
    ConstantOfShape,
    Conv,
    ConvInteger,
    CumSum,
    DequantizeLinear,
    DFT,
    Dropout,
    DynamicQuantizeLinear,
    Einsum,
    Expand,
    EyeLike,
    Flatten,
    Gather,
    GatherElements,
    GatherND,
    Gelu,
    Gemm,
    GlobalAveragePool,
    GlobalMaxPool,
    Input,
    GroupNormalization,
    InstanceNormalization,
    IsInf,
    LayerNormalization,
    LogSoftmax,
    LpNormalization,
    MatMul,
    MatMulInteger,
    MaxPool,
    NonZero,
    Pad,
    QuantizeLinear,
    Range,
    Reshape,
    Resize,
    RMSNormalization,
    RotaryEmbedding,
    ScatterElements,
    ScatterND,
    Shape,
    SimplifiedLayerNormalization,
    Size,
    Slice,
    Softmax,
    Split,
    Squeeze,
    Tile,
    TopK,
    Transpose,
    Trilu,
    Unsqueeze,
    Where,
  ].map((op) => [op.name, op]),
)

/** Attributes that ONNX stores as floats even where their value is whole. */
export const floatAttributes: ReadonlySet<string> = new Set([
  'alpha',
  'beta',
  'cubic_coeff_a',
  'epsilon',
  'extrapolation_value',
  'gamma',
  'mask_filter_value',
  'scale',
  'softcap',
])
