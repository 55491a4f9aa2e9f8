import { expect, test } from 'vitest'
import { closing, failed, passed } from './outcome.mjs'

test('prints nothing but the counts without skips', () => {
  expect(closing([passed('a'), passed('b')])).toBe('2 passed, 0 failed')
})

test('lists skips with their reasons and failures, with only the counts on the last line', () => {
  const outcomes = [
    passed('a'),
    failed('b', 'seen'),
    { name: 'c', state: /** @type {const} */ ('skipped'), note: 'no GPU' },
  ]
  expect(closing(outcomes).split('\n')).toEqual(['skipped: c (no GPU)', 'failed: b', '1 passed, 1 failed, 1 skipped'])
})
