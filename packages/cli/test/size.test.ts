import { expect, test } from 'vitest'
import { commands } from '../src/commands/index.ts'

test.each(Object.entries(commands))('tp %s has at most 25 options', async (_, { load }) => {
  const own = Object.values((await load()).options).filter(({ through }) => through === undefined)
  expect(own.length).toBeLessThanOrEqual(25)
})
