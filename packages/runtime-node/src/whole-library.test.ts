import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { libraryFiles } from './ort.ts'
import { requireWholeLibrary } from './whole-library.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-library-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('passes files of another kind, which a loader refuses itself', () => {
  const path = join(folder, 'text.node')
  writeFileSync(path, 'x'.repeat(100))
  expect(() => requireWholeLibrary(path)).not.toThrow()
})

describe.runIf(process.platform === 'linux')('the files of onnxruntime', () => {
  test.each(libraryFiles().map((path) => [path.split('/').at(-1) as string, path]))('%s', (_, path) => {
    expect(() => requireWholeLibrary(path)).not.toThrow()
    const short = join(folder, 'short.so')
    const whole = readFileSync(path)
    for (const length of [1000, Math.floor(whole.length / 2), whole.length - 1]) {
      writeFileSync(short, whole.subarray(0, length))
      expect(() => requireWholeLibrary(short)).toThrow(/it is cut short$/)
    }
  })
})
