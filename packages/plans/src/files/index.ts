// For Node: plans on files, with what lies next to them.

export { asPooled, pooledOutside, requireKeptRows } from './as-pooled.ts'
export { type BoundedPair, withinBounds } from './bounded-pair.ts'
export { type FilePlan, inspectEncoders, planForFile, requireEncoder, segmentOf } from './file-plan.ts'
export { outputTokensOf } from './output-tokens.ts'
export { readPlanFile, readPlanJson } from './plan-file.ts'
export {
  type PruneDecoderFileOptions,
  promptPruningOf,
  pruneDecoderFile,
  type WrittenDecoder,
} from './prune-decoder-file.ts'
export {
  type PrunedModelFile,
  type PruneFileOptions,
  pruneFile,
  pruneModelFile,
  type VerifyFileOptions,
  verifyPrunedFile,
  type WrittenFile,
  withoutItsLayers,
} from './prune-file.ts'
export { type RepairDecoderOptions, type RepairedDecoder, repairDecoder, requireStates } from './repair-decoder.ts'
export { readTrainedValues } from './trained-values.ts'
export {
  type PrunedVariant,
  type PruneVariantsOptions,
  planOf,
  pruneVariants,
  type VariantAmount,
} from './variants.ts'
export { type EightBitsVerified, verifyQuantizedFile } from './verify-quantized-file.ts'
