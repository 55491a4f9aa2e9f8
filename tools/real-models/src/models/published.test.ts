import { expect, test } from 'vitest'
import { realModelNames, realModels } from './published.ts'

test.each(realModelNames)('lists the packages of %s by version and hash, and one file of each', (name) => {
  const { packages, members, license } = realModels[name]
  expect(packages.length).toBeGreaterThan(0)
  expect(members).toHaveLength(packages.length)
  expect(license).toMatch(/^(Apache-2\.0|MIT)$/)
  for (const { name, version, sha256 } of packages) {
    expect(name).toMatch(/^[a-z0-9-]+$/)
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  }
})

test('names each file of a package once', () => {
  const members = Object.values(realModels).flatMap(({ members }) => members)
  expect(new Set(members).size).toBe(members.length)
})
