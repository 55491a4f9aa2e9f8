import { expect, test } from 'vitest'
import { nearestOf } from './did-you-mean.ts'

const commands = ['inspect', 'prune', 'press', 'pack', 'eval', 'check', 'bench', 'train', 'optimize']

test.each([
  ['prnue', 'prune'],
  ['PRUNE', 'prune'],
  ['evla', 'eval'],
  ['insp', 'inspect'],
  ['trian', 'train'],
])('takes %s for %s', (written, meant) => {
  expect(nearestOf(written, commands)).toBe(meant)
})

test('takes the beginning of a long name, with a mistake in it, for the name', () => {
  expect(nearestOf('recieved', ['random', 'received-attention', 'rollout'])).toBe('received-attention')
})

test('suggests nothing that is far', () => {
  expect(nearestOf('deploy', commands)).toBeUndefined()
  expect(nearestOf('x', commands)).toBeUndefined()
})
