// Files of a program: untrusted ones are read within limits, and what is written appears whole, or not at all.

export { isThere, nothingToResume, readCheckpointFile, removeCheckpointFile } from './checkpoint-file.ts'
export { exists, isBrokenLink } from './exists.ts'
export { FileClaims, type Output, outputsOf } from './file-claims.ts'
export { hashOfFile } from './hash-of-file.ts'
export { loadFile, loadSession, withModelAsFile } from './load-session.ts'
export { type InputOptions, LARGEST_JSON, readInput, readInputText } from './read-input.ts'
export { replaceFile } from './replace-file.ts'
export { isSameFile } from './same-file.ts'
export {
  type CommitOptions,
  type CommittedModel,
  commitModel,
  type StagedModel,
  type StageOptions,
  stageModel,
  writeModelFile,
} from './stage-model.ts'
export { tryRoomFor } from './try-folder.ts'
export { skippedNotes, type WalkOptions, walkFolder } from './walk-folder.ts'
export { writeError } from './write-error.ts'
export { isWaiting, moveInto, removeAbandoned, writeWhole } from './write-file.ts'
