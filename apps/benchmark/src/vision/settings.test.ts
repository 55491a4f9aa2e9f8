import { expect, test } from 'vitest'
import { settingText } from './settings.ts'

test('a budget in words', () => {
  expect(settingText({ keep: 0.6, layers: [0] })).toBe('keep 0.6 once, in layer 0')
  expect(settingText({ keep: [0.6, 0.9, 0.9, 0.9], layers: [0, 1, 2, 3] })).toBe(
    'keep 0.6 once, in layer 0, then keep 0.9 in each of layers 1 to 3',
  )
})
