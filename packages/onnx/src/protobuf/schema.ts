// The messages of onnx.proto (ONNX 1.20, proto2) as their codec needs them. schema.test.ts compares them with the
// descriptor of onnx-buf, which weighs ten times as much in a browser.

/**
 * Number of a field, and its type: a scalar of protobuf (enums are `int32`) or the name of a message; `[]` repeated,
 * `[packed]` repeated and by default written packed.
 */
type FieldSpec = readonly [number: number, type: string]

/** Fields by name; under the name of a oneof the fields of which it holds one. */
export type MessageSpec = Readonly<Record<string, FieldSpec | Readonly<Record<string, FieldSpec>>>>

export const schema: Readonly<Record<string, MessageSpec>> = {
  AttributeProto: {
    name: [1, 'string'],
    refAttrName: [21, 'string'],
    docString: [13, 'string'],
    type: [20, 'int32'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    sparseTensor: [22, 'SparseTensorProto'],
    tp: [14, 'TypeProto'],
    floats: [7, 'float[]'],
    ints: [8, 'int64[]'],
    strings: [9, 'bytes[]'],
    tensors: [10, 'TensorProto[]'],
    graphs: [11, 'GraphProto[]'],
    sparseTensors: [23, 'SparseTensorProto[]'],
    typeProtos: [15, 'TypeProto[]'],
  },
  ValueInfoProto: {
    name: [1, 'string'],
    type: [2, 'TypeProto'],
    docString: [3, 'string'],
    metadataProps: [4, 'StringStringEntryProto[]'],
  },
  NodeProto: {
    input: [1, 'string[]'],
    output: [2, 'string[]'],
    name: [3, 'string'],
    opType: [4, 'string'],
    domain: [7, 'string'],
    overload: [8, 'string'],
    attribute: [5, 'AttributeProto[]'],
    docString: [6, 'string'],
    metadataProps: [9, 'StringStringEntryProto[]'],
    deviceConfigurations: [10, 'NodeDeviceConfigurationProto[]'],
  },
  IntIntListEntryProto: {
    key: [1, 'int64'],
    value: [2, 'int64[]'],
  },
  NodeDeviceConfigurationProto: {
    configurationId: [1, 'string'],
    shardingSpec: [2, 'ShardingSpecProto[]'],
    pipelineStage: [3, 'int32'],
  },
  ShardingSpecProto: {
    tensorName: [1, 'string'],
    device: [2, 'int64[]'],
    indexToDeviceGroupMap: [3, 'IntIntListEntryProto[]'],
    shardedDim: [4, 'ShardedDimProto[]'],
  },
  ShardedDimProto: {
    axis: [1, 'int64'],
    simpleSharding: [2, 'SimpleShardedDimProto[]'],
  },
  SimpleShardedDimProto: {
    dim: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
    numShards: [3, 'int64'],
  },
  TrainingInfoProto: {
    initialization: [1, 'GraphProto'],
    algorithm: [2, 'GraphProto'],
    initializationBinding: [3, 'StringStringEntryProto[]'],
    updateBinding: [4, 'StringStringEntryProto[]'],
  },
  ModelProto: {
    irVersion: [1, 'int64'],
    opsetImport: [8, 'OperatorSetIdProto[]'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    metadataProps: [14, 'StringStringEntryProto[]'],
    trainingInfo: [20, 'TrainingInfoProto[]'],
    functions: [25, 'FunctionProto[]'],
    configuration: [26, 'DeviceConfigurationProto[]'],
  },
  DeviceConfigurationProto: {
    name: [1, 'string'],
    numDevices: [2, 'int32'],
    device: [3, 'string[]'],
  },
  StringStringEntryProto: {
    key: [1, 'string'],
    value: [2, 'string'],
  },
  TensorAnnotation: {
    tensorName: [1, 'string'],
    quantParameterTensorNames: [2, 'StringStringEntryProto[]'],
  },
  GraphProto: {
    node: [1, 'NodeProto[]'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto[]'],
    sparseInitializer: [15, 'SparseTensorProto[]'],
    docString: [10, 'string'],
    input: [11, 'ValueInfoProto[]'],
    output: [12, 'ValueInfoProto[]'],
    valueInfo: [13, 'ValueInfoProto[]'],
    quantizationAnnotation: [14, 'TensorAnnotation[]'],
    metadataProps: [16, 'StringStringEntryProto[]'],
  },
  TensorProto: {
    dims: [1, 'int64[]'],
    dataType: [2, 'int32'],
    segment: [3, 'TensorProto.Segment'],
    floatData: [4, 'float[packed]'],
    int32Data: [5, 'int32[packed]'],
    stringData: [6, 'bytes[]'],
    int64Data: [7, 'int64[packed]'],
    name: [8, 'string'],
    docString: [12, 'string'],
    rawData: [9, 'bytes'],
    externalData: [13, 'StringStringEntryProto[]'],
    dataLocation: [14, 'int32'],
    doubleData: [10, 'double[packed]'],
    uint64Data: [11, 'uint64[packed]'],
    metadataProps: [16, 'StringStringEntryProto[]'],
  },
  'TensorProto.Segment': {
    begin: [1, 'int64'],
    end: [2, 'int64'],
  },
  SparseTensorProto: {
    values: [1, 'TensorProto'],
    indices: [2, 'TensorProto'],
    dims: [3, 'int64[]'],
  },
  TensorShapeProto: {
    dim: [1, 'TensorShapeProto.Dimension[]'],
  },
  'TensorShapeProto.Dimension': {
    value: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
    denotation: [3, 'string'],
  },
  TypeProto: {
    value: {
      tensorType: [1, 'TypeProto.Tensor'],
      sequenceType: [4, 'TypeProto.Sequence'],
      mapType: [5, 'TypeProto.Map'],
      optionalType: [9, 'TypeProto.Optional'],
      sparseTensorType: [8, 'TypeProto.SparseTensor'],
    },
    denotation: [6, 'string'],
  },
  'TypeProto.Tensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  'TypeProto.Sequence': {
    elemType: [1, 'TypeProto'],
  },
  'TypeProto.Map': {
    keyType: [1, 'int32'],
    valueType: [2, 'TypeProto'],
  },
  'TypeProto.Optional': {
    elemType: [1, 'TypeProto'],
  },
  'TypeProto.SparseTensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  OperatorSetIdProto: {
    domain: [1, 'string'],
    version: [2, 'int64'],
  },
  FunctionProto: {
    name: [1, 'string'],
    input: [4, 'string[]'],
    output: [5, 'string[]'],
    attribute: [6, 'string[]'],
    attributeProto: [11, 'AttributeProto[]'],
    node: [7, 'NodeProto[]'],
    docString: [8, 'string'],
    opsetImport: [9, 'OperatorSetIdProto[]'],
    domain: [10, 'string'],
    overload: [13, 'string'],
    valueInfo: [12, 'ValueInfoProto[]'],
    metadataProps: [14, 'StringStringEntryProto[]'],
  },
}

/** Element types of `TensorProto.data_type`. */
export const DataType = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
} as const

/** Kinds of `AttributeProto.type`. */
export const AttributeType = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const

/** `TensorProto.data_location` of a tensor whose bytes are in another file. */
export const EXTERNAL = 1
