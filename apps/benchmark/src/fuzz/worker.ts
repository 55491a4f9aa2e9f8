import { examine } from './examine.ts'
import type { Question } from './examiner.ts'

process.on('message', async (question: Question) => {
  process.send?.(await examine(question, (stage) => process.send?.({ stage })))
})
