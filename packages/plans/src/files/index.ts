// For Node: plans on files, with what lies next to them.

// Plans: read from files, and fitted to the model of a file.

export { asPooled, fileGivesVectors, pooledOutside, requireKeptRows } from './as-pooled.ts'
export { type FilePlan, inspectEncoders, planForFile, requireEncoder, segmentOf } from './file-plan.ts'
export { limitedEntry } from './limited-entry.ts'
export { outputTokensOf } from './output-tokens.ts'
export { readPlanFile, readPlanJson } from './plan-file.ts'
export { readTrainedValues } from './trained-values.ts'

// Pruning: a file by a plan, verified before it is written.

export {
  type PrunedModelFile,
  type PruneFileOptions,
  pruneFile,
  pruneModelFile,
  verifyPrunedFile,
  type WrittenFile,
  withoutItsLayers,
} from './prune-file.ts'

// Reports: what was done to a file, by its plan, or by its own record.

export { isAsExported, isMadeFrom, type Provenance, provenanceOf } from './provenance.ts'
export { type PruningFacts, pruningFacts } from './pruning-facts.ts'

// Comparing: the variants of a comparison, and files next to their sources.

export {
  type PrunedVariant,
  type PruneVariantsOptions,
  planOf,
  pruneVariants,
  type VariantAmount,
} from './variants.ts'
export { type FileVerification, type VerifyFileOptions, verifyFile } from './verify-file.ts'

// Images: tokens of images pruned in the folder of a vision-language model.

export { type PrunedImageTokens, type PruneImageTokensFileOptions, pruneImageTokensFile } from './prune-image-tokens.ts'

// Decoders: their prompts pruned, and their files changed for a pruned encoder.

export { decoderOf } from './decoder-of.ts'
export {
  type DecoderRefusals,
  decoderRefusals,
  type PruneDecoderFileOptions,
  promptPruningOf,
  pruneDecoderFile,
  type WrittenDecoder,
} from './prune-decoder-file.ts'
export { type RepairDecoderOptions, type RepairedDecoder, repairDecoder, requireStates } from './repair-decoder.ts'
