import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describeQueue, startValkey, type Valkey } from 'queue-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args, '--trial'], { stdio: 'ignore' })
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve))

describeQueue('a comparison whose cells are measured by workers', () => {
  let folder: string
  let valkey: Valkey
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-cells-'))
    valkey = await startValkey()
  }, 120_000)
  afterAll(async () => {
    await valkey[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('has the report of one process to the byte, though a worker is killed', {
    tags: 'exhaustive',
    timeout: 1_800_000,
  }, async () => {
    const compare = ['comparison', '--quick', '--only', 'accuracy']
    const [alone, shared] = [join(folder, 'alone'), join(folder, 'shared')]
    expect(await ended(start(...compare, '--out', alone))).toBe(0)

    const work = (): ChildProcess => start('worker', '--queue', valkey.url)
    const workers = [work(), work()]
    const run = ended(start(...compare, '--out', shared, '--queue', valkey.url))
    await setTimeout(6000)
    workers[0]?.kill('SIGKILL')
    expect(await run).toBe(0)
    for (const worker of workers) worker.kill('SIGKILL')

    const [own, others] = await Promise.all([alone, shared].map(valuesIn))
    expect(others).toEqual(own)
    expect(own?.size).toBeGreaterThan(20)
    const report = (path: string): Promise<string> => readFile(join(path, 'report.html'), 'utf8')
    expect(await report(shared)).toBe(await report(alone))
  })
})

async function valuesIn(path: string): Promise<Map<string, unknown>> {
  const lines = (await readFile(join(path, 'results.jsonl'), 'utf8')).trimEnd().split('\n')
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, value }) => [key, value]))
}
