export { average, type Lesson, learn, mailLesson, prunedLogits } from './mail-training.ts'
export { run } from './run.ts'
export { type LearningOptions, testLearning } from './test-learning.ts'
