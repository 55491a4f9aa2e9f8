// The process that measures times: alone, on one thread. It is told once what to measure, and answers cell by cell.
import { nodeRuntime } from '@tp/runtime-node'
import { measureSpeed } from './comparison/measure-speed.ts'
import { openSplit } from './comparison/open-split.ts'
import { attempt } from './comparison/refusal.ts'
import type { SpeedTask } from './comparison/speed-process.ts'
import { type SubjectForm, subjectForms } from './comparison/subjects.ts'
import { sharedPath } from './report/section.ts'

process.on('disconnect', () => process.exit())
process.once('message', async ({ subject, examples, cells }: SpeedTask) => {
  const runtime = nodeRuntime()
  const form = subjectForms.find(({ name }) => name === subject) as SubjectForm
  const [first] = cells
  const split = first && 'split' in first.at ? first.at.split : 'test'
  const opened = await openSplit(form, { runtime, shared: sharedPath }, split, examples)
  for (const cell of cells) process.send?.(await attempt(() => measureSpeed(runtime, opened, cell)))
  process.disconnect()
})
