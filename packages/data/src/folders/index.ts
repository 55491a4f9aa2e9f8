// Model folders, as Hugging Face, optimum and transformers.js lay them out: which graph is meant, and a new folder made of one.

export {
  type ChangedFolder,
  changeFolder,
  type FolderChange,
  type StepOutput,
  type StepReport,
} from './change-folder.ts'
export { type FoundModel, findModel } from './find-model.ts'
export { floatRuns, type GraphRun, graphRuns } from './graph-runs.ts'
export {
  type FolderGraph,
  type FolderGraphs,
  fileInPrecision,
  isDirectory,
  modelOf,
  readFolderGraphs,
} from './graphs.ts'
export { type ImagePrompt, isVisionLanguage, readImagePrompt, visionEncoderOf } from './image-tokens.ts'
export { defaultFolder } from './stage-folder.ts'
