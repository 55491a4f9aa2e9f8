import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJson, root } from '../workspace.mjs'

const [page] = readJson('.size-limit.json')
const limit = Number.parseFloat(page.limit)

test.each([
  ['docs/packages.md', /\((\d+) kB with one method/],
  ['packages/transformers/README.md', /one method: (\d+) kB/],
])('%s says how large what a page needs to prune is, as .size-limit.json allows', (path, pattern) => {
  const [, size] = pattern.exec(readFileSync(join(root, path), 'utf8')) ?? []
  expect(Number(size)).toBeGreaterThan(0.97 * limit)
  expect(Number(size)).toBeLessThanOrEqual(Math.ceil(limit))
})
