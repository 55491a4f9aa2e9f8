import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshClone } from './fresh-clone.mjs'

test('a fresh clone has the files of the repository, and nothing that was installed, built or measured', {
  tags: 'exhaustive',
}, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tp-clone-'))
  try {
    const folder = join(scratch, 'tp')
    freshClone(folder)
    for (const path of [
      'package.json',
      'pnpm-lock.yaml',
      '.ci',
      '.git/HEAD',
      'packages/core/src/index.ts',
      'docs/start.md',
    ])
      expect(existsSync(join(folder, path)), path).toBe(true)
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(paths.filter((path) => /(^|[/\\])(node_modules|dist|.*\.tsbuildinfo)$/.test(path))).toEqual([])
    expect(existsSync(join(folder, 'reports'))).toBe(false)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})
