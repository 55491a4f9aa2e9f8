import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { deadlineAfter } from './deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([
  ['SIGTERM', true],
  ['SIGINT', false],
] as const)('ends what %s lets end, after a few seconds: %s', (name, ends) => {
  for (const isEarly of [true, false]) {
    const user = new AbortController()
    if (isEarly) user.abort(new Error(name))
    const deadline = deadlineAfter(user.signal)
    user.abort(new Error(name))
    expect(deadline.aborted).toBe(false)
    vi.advanceTimersByTime(8000)
    expect(deadline.aborted).toBe(ends)
  }
})
