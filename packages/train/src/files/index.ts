// Files of a training: its examples, and its state next to the model that is trained.

export { type ExamplesToRead, readTrainingExamples } from './training-examples.ts'
export {
  namingStored,
  requireStored,
  storedFile,
  trainingFiles,
  trainingStore,
} from './training-files.ts'
