export { average, learn, type MailLesson, mailLesson, prunedLogits } from './mail-training.ts'
export { run } from './run.ts'
export { type LearningOptions, testLearning } from './test-learning.ts'
