import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from './run.ts'

const never = new AbortController().signal

test('says which step failed, and how', async () => {
  const failing = run('making it', process.execPath, ['-e', 'process.exit(3)'], never)
  await expect(failing).rejects.toThrow('[models] making it failed (3; see above)')
})

test('says that a program did not start', async () => {
  await expect(run('making it', './no-program', [], never)).rejects.toThrow(/making it failed \(.*ENOENT/)
})

test('interrupts a program, and waits until it has cleaned up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-run-'))
  const [started, cleaned] = [join(folder, 'started'), join(folder, 'cleaned')]
  const script = `
    const { writeFileSync } = require('node:fs')
    process.on('SIGINT', () => setTimeout(() => { writeFileSync(${JSON.stringify(cleaned)}, ''); process.exit(1) }, 50))
    setTimeout(() => {}, 60_000)
    writeFileSync(${JSON.stringify(started)}, '')`
  const controller = new AbortController()
  const running = run('making it', process.execPath, ['-e', script], controller.signal)
  try {
    await expect.poll(() => existsSync(started), { timeout: 30_000 }).toBe(true)
    controller.abort()
    await expect(running).rejects.toThrow('making it was interrupted')
    expect(existsSync(cleaned)).toBe(true)
  } finally {
    await rm(folder, { recursive: true })
  }
})
