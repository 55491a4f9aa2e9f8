import { examine } from './examine.ts'
import type { MutantQuestion } from './examiner.ts'

process.on('message', async (question: MutantQuestion) => {
  process.send?.(await examine(question, (stage) => process.send?.({ stage })))
})
