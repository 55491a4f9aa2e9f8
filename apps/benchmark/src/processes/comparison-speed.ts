// The process that measures times: alone, on one thread. It is told once what to measure, and answers cell by cell.
import { nodeRuntime } from '@tp/runtime-node'
import { measureSpeed } from '../comparison/measure.ts'
import { attempt } from '../comparison/results.ts'
import type { SpeedTask } from '../comparison/speed-process.ts'
import { type ComparedForm, comparedForms, openCompared } from '../comparison/subjects.ts'
import { sharedPath } from '../files.ts'

process.on('disconnect', () => process.exit())
process.once('message', async ({ subject: name, examples, cells }: SpeedTask) => {
  const runtime = nodeRuntime()
  const form = comparedForms.find((one) => one.name === name) as ComparedForm
  const [first] = cells
  const split = first && 'split' in first.at ? first.at.split : 'test'
  const subject = await openCompared({ runtime, shared: sharedPath }, form, split, examples)
  for (const cell of cells) process.send?.(await attempt(() => measureSpeed(runtime, subject, cell)))
  process.disconnect()
})
