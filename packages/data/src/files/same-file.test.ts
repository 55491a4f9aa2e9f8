import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { placeOf } from './same-file.ts'

const { folder } = testFolder()

const onLinux = process.platform === 'linux' ? test : test.skip

// As /dev/stdout is where it is piped.
onLinux('knows an open file without a path by its number (/proc is of Linux)', async () => {
  const file = join(folder, 'removed')
  const open = openSync(file, 'w')
  rmSync(file)
  try {
    const { node, names } = await placeOf(`/proc/self/fd/${open}`)
    expect(node).toMatch(/^\d+:\d+$/)
    expect(names).toBe(0)
  } finally {
    closeSync(open)
  }
})
