import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { deadlineAfter } from './deadline.ts'

test.each([
  ['SIGTERM', true],
  ['SIGINT', false],
] as const)('ends what %s lets end, after a while: %s', async (name, ends) => {
  for (const isEarly of [true, false]) {
    const user = new AbortController()
    if (isEarly) user.abort(new Error(name))
    const deadline = deadlineAfter(user.signal, 40)
    user.abort(new Error(name))
    expect(deadline.aborted).toBe(false)
    await setTimeout(100)
    expect(deadline.aborted).toBe(ends)
  }
})
