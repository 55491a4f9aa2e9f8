import { expect, test } from 'vitest'
import { endable } from './endable.ts'

test('hears a signal that came just before, although nobody listens during the work', async () => {
  const heard: string[] = []
  const listener = (): void => void heard.push('signal')
  process.on('SIGTERM', listener)
  try {
    process.kill(process.pid, 'SIGTERM')
    const listeners = await endable(() => process.listeners('SIGTERM'))
    expect([heard, listeners]).toEqual([['signal'], []])
    expect(process.listeners('SIGTERM')).toContain(listener)
  } finally {
    process.off('SIGTERM', listener)
  }
})
