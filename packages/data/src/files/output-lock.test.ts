import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { lockOutput } from './output-lock.ts'

const { folder } = testFolder()

const out = (): string => join(folder, 'out.onnx')
const lock = (): string => join(folder, '.out.onnx.lock')
const busy = expect.objectContaining({
  code: 'TP_OUTPUT',
  message: expect.stringMatching(/works at .*out\.onnx already/),
})

test('refuses a second lock on one file at once, under any name, until the first is released', async () => {
  symlinkSync(folder, join(folder, 'link'))
  {
    await using _first = await lockOutput(out())
    await expect(lockOutput(out())).rejects.toEqual(busy)
    await expect(lockOutput(join(folder, 'link', 'out.onnx'))).rejects.toEqual(busy)
    await using _other = await lockOutput(join(folder, 'other.onnx'))
  }
  rmSync(join(folder, 'link'))
  await using _again = await lockOutput(out())
  expect(readdirSync(folder)).toEqual(['.out.onnx.lock'])
})

test.each<[string, () => string]>([
  ['of a process that has ended', () => JSON.stringify({ pid: spawnSync('true').pid, host: hostname() })],
  ['of another process with the same id', () => JSON.stringify({ pid: process.pid, host: hostname(), started: '1' })],
  ['without contents', () => ''],
  ['with other contents', () => '{"pid":-1}'],
])('takes over a lock %s', async (_, text) => {
  writeFileSync(lock(), text())
  {
    await using _own = await lockOutput(out())
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid })
  }
  expect(readdirSync(folder)).toEqual([])
})

test('respects a lock of another machine', async () => {
  writeFileSync(lock(), JSON.stringify({ pid: 1, host: 'elsewhere' }))
  await expect(lockOutput(out())).rejects.toThrow(/process 1 on elsewhere works at/)
  rmSync(lock())
})

test('gives an abandoned lock to only one of many processes', async () => {
  writeFileSync(lock(), JSON.stringify({ pid: spawnSync('true').pid, host: hostname() }))
  const module = fileURLToPath(new URL('../../dist/files/output-lock.js', import.meta.url))
  const script = `const { lockOutput } = await import(process.argv[1]); try { await lockOutput(process.argv[2]); console.log('got it'); setTimeout(() => {}, 3000) } catch (error) { console.log(error.code) }`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, module, out()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const said = await Promise.all(
    children.map(
      (child) => new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(`${data}`.trim()))),
    ),
  )
  for (const child of children) child.kill('SIGKILL')
  expect(said.sort()).toEqual(['TP_OUTPUT', 'TP_OUTPUT', 'TP_OUTPUT', 'got it'])
  await Promise.all(
    children.map(
      (child) =>
        new Promise((resolve) =>
          (child.exitCode ?? child.signalCode) === null ? child.once('exit', resolve) : resolve(0),
        ),
    ),
  )
  // The lock of the killed process is taken over again.
  await using _own = await lockOutput(out())
})

test('reserves nothing where no file can be', async () => {
  writeFileSync(join(folder, 'file'), '')
  for (const place of ['absent', 'file'])
    await expect(lockOutput(join(folder, place, 'out.onnx'))).resolves.toBe(undefined)
})
