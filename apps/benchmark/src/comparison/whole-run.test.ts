import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { randomNumbers } from '@tp/core/statistics'
import { afterAll, beforeAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-comparison-'))
})
afterAll(() => rm(folder, { recursive: true }))

const resultsText = () => readFile(join(folder, 'results.jsonl'), 'utf8').catch(() => '')
const keysOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).key)

/** Runs the program on a few images; killed once it has written `killAt` lines. */
async function run(killAt = Number.POSITIVE_INFINITY): Promise<number | null> {
  const args = [program, 'comparison', '--quick', '--trial', '--only', 'digits-vit', '--out', folder]
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  let over = false
  void ended.then(() => {
    over = true
  })
  while (!over && (await resultsText()).split('\n').length <= killAt) await setTimeout(20)
  if (!over) child.kill('SIGKILL')
  return ended
}

test('continues a killed run where it was, measures nothing twice, and is done when it says so', {
  timeout: 600_000,
  tags: 'exhaustive',
}, async () => {
  const random = randomNumbers(7)
  let before = ''
  for (const most of [30, 70]) {
    expect(await run(1 + Math.floor(random() * most) + before.split('\n').length)).toBeNull()
    const text = await resultsText()
    expect(text.startsWith(before)).toBe(true)
    before = text.slice(0, text.lastIndexOf('\n') + 1)
    expect(keysOf(before).length).toBeGreaterThan(0)
  }

  expect(await run()).toBe(0)
  const text = await resultsText()
  expect(text.startsWith(before)).toBe(true)
  const keys = keysOf(text)
  expect(new Set(keys).size).toBe(keys.length)
  const kinds = new Set(keys.map((key) => key.split('/')[0]))
  expect(kinds).toEqual(new Set(['accuracy', 'tuned', 'speed', 'shift']))
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('digits-vit: handwritten digits')

  expect(await run()).toBe(0)
  expect(await resultsText()).toBe(text)
})
