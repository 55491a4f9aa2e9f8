// The kinds of a model's outputs, and the answers in them. Requires neither files nor native code, so pages can use it.

export { type AnswerHead, answerHead, formOfAnswers } from './answer-form.ts'
export { fittingLabels } from './fitting-labels.ts'
export { type PooledToken, pooledToken, statesOutput } from './pooled-output.ts'
export { formOfLabels, labelsOf, type TokenClasses, tagsOf } from './tags.ts'
export { declaredOutputs, type Task, type TaskFacts, taskOf, tasks } from './task-of.ts'
export { embeddingOutput, type ModelBatch, tokenVectorsOf, vectorsOf } from './vectors.ts'
