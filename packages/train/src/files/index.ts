// Files of a training: its state, next to the model that is trained.

export {
  namingStored,
  requireStored,
  storedFile,
  trainingFiles,
  trainingStore,
} from './training-files.ts'
