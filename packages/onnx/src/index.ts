export type { GraphProto, NodeProto, TensorProto } from 'onnx-buf'
export { type EmitTarget, emit } from './expression/emit.ts'
export { emitModel } from './expression/emit-model.ts'
export { type LiftContext, type Lifted, type LiftNote, lift, liftNode } from './expression/lift.ts'
export { isOpaque, type OpaqueOp } from './expression/opaque.ts'
export { startsLikeModel } from './file/decode.ts'
export { checkExternalLocation, type ExternalTensor, externalTensors, type ReadExternal } from './file/external.ts'
export {
  cloneModel,
  createModel,
  decodeModel,
  encodeModel,
  type Metadata,
  type Model,
  metadata,
  opset,
} from './file/model.ts'
export { readAttributes } from './graph/attributes.ts'
export { Graph, type Use } from './graph/graph.ts'
export { createNode, type NewNode } from './graph/node.ts'
export { capturedNames } from './graph/subgraph.ts'
export type { DeclaredValue } from './graph/value-info.ts'
export { decodeTensor, type NamedTensor, readConstant, readTensor, writeTensor } from './tensor/tensor-proto.ts'
