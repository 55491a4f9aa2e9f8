import { examine } from '../fuzz/examine.ts'
import type { Question } from '../fuzz/examiner.ts'

// Started by the fuzz command: a mutant that never ends, or takes all memory, ends this process alone.
process.on('message', async (question: Question) => {
  const verdict = await examine(question, (stage) => process.send?.({ stage }))
  process.send?.(verdict)
})
