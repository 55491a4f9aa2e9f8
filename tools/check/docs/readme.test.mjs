import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../workspace.mjs'

test('the README at the root is read in a minute: at most 6 kB', () => {
  expect(readFileSync(join(root, 'README.md')).byteLength).toBeLessThanOrEqual(6000)
})
