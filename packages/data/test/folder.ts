import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'

interface TestFolder {
  readonly folder: string
  readonly at: (...parts: string[]) => string
  /** Writes a file of the folder, and returns its path. */
  readonly write: (name: string, content: string | Uint8Array) => string
}

/** A folder for the files of a test file, which is removed after it. */
export function testFolder(): TestFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tp-data-')))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const at = (...parts: string[]): string => join(folder, ...parts)
  const write = (name: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), content)
    return at(name)
  }
  return { folder, at, write }
}
