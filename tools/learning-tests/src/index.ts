export { average, type Lesson, learn, mailLesson, prunedLogits } from './mail-training.ts'
export { type LearningOptions, testLearning } from './test-learning.ts'
