// Files: ONNX files without loss: read, edited in place, written.

export type { GraphProto, NodeProto, TensorProto } from 'onnx-buf'
export { startsLikeModel } from './file/decode.ts'
export { type ExternalTensor, externalTensors } from './file/external.ts'
export {
  cloneModel,
  createModel,
  decodeModel,
  encodeModel,
  type Metadata,
  type Model,
  metadata,
  opset,
  type ReadExternal,
  withoutMetadata,
} from './file/model.ts'

// Graphs: who produces and reads a value, and new nodes.

export { readAttributes } from './graph/attributes.ts'
export { bfloat16Reason, refusedLoad } from './graph/bfloat16.ts'
export { Graph, type Use } from './graph/graph.ts'
export { createNode, type NewNode } from './graph/node.ts'
export { capturedNames } from './graph/subgraph.ts'
export type { DeclaredValue } from './graph/value-info.ts'

// Tensors: initializers and their types.

export { codeOf, dtypeOf } from './tensor/dtype.ts'
export { decodeTensor, type NamedTensor, readConstant, readTensor, writeTensor } from './tensor/tensor-proto.ts'

// Expressions: graphs as expressions of @tp/core, and back.

export { emit } from './expression/emit.ts'
export { emitFunction } from './expression/emit-function.ts'
export { emitModel } from './expression/emit-model.ts'
export type { EmitTarget } from './expression/emit-target.ts'
export { type AssumedSize, type Lifted, type LiftNote, lift, liftNode } from './expression/lift.ts'
export type { LiftContext } from './expression/lift-context.ts'
export { isOpaque, type OpaqueOp } from './expression/opaque.ts'
