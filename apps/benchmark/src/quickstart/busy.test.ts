import { expect, test } from 'vitest'
import { busyNote } from './busy.ts'

const steady = { name: 'tome', speedup: { value: 3, low: 2.9, high: 3.1 } }
const shaken = { name: 'random', speedup: { value: 3, low: 2.2, high: 4.1 } }
const idle = { load: 1.1, processors: 2 }

test('says nothing of a quiet machine', () => {
  expect(busyNote([steady], idle)).toBeUndefined()
  // Windows has no load average.
  expect(busyNote([steady], { load: 0, processors: 1 })).toBeUndefined()
})

test('says that a machine is busy by its load, or by the spread of what was timed', () => {
  expect(busyNote([steady], { load: 7.53, processors: 2 })).toMatch(
    /^this machine is busy: its load is 7\.5 on 2 processors\. /,
  )
  expect(busyNote([steady, shaken], idle)).toMatch(/busy: random was between 2\.20× and 4\.10× as fast\. /)
})
