import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runtimeModels } from '@tp/core/testing'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const { slowModel } = runtimeModels

test('does not block the event loop during a run', async () => {
  await using session = await nodeRuntime().load(slowModel, { worker: true, threads: 1 })
  const size = 1024
  const x = { type: 'float32', dims: [size, size], data: new Float32Array(size * size) }
  let ticks = 0
  const ticking = setInterval(() => {
    ticks += 1
  }, 1)
  await session.run({ x })
  clearInterval(ticking)
  // 50 GFLOP on one thread; a blocked loop would have none.
  expect(ticks).toBeGreaterThan(3)
})

describe('a process ends', { timeout: 30_000 }, () => {
  const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)))
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-worker-'))
    await writeFile(join(folder, 'slow.onnx'), slowModel)
    await writeFile(
      join(folder, 'dying-worker.cjs'),
      `if (!require('node:worker_threads').isMainThread) {
        setInterval(() => require('node:fs').existsSync(${JSON.stringify(join(folder, 'die'))}) && process.exit(3), 5)
      }`,
    )
  })
  afterAll(() => rm(folder, { recursive: true }))

  /** Runs a program that has a session of the slow model and inputs for about a quarter of a second of work. */
  async function run(program: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: unknown; output: string }> {
    const source = `
      import { nodeRuntime } from '@tp/runtime-node'
      const loading = nodeRuntime().load(${JSON.stringify(join(folder, 'slow.onnx'))}, { worker: true, threads: 1 })
      const feeds = { x: { type: 'float32', dims: [1200, 1200], data: new Float32Array(1200 * 1200) } }
      ${program}`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: packageFolder,
      env: { ...process.env, ...env },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
    const [code, signal] = await once(child, 'close')
    return { code: code ?? signal, output }
  }

  test('with its exit code by process.exit() in the middle of a run', async () => {
    const program = 'const s = await loading; s.run(feeds); s.run(feeds); setTimeout(() => process.exit(7), 50)'
    expect(await run(program)).toEqual({ code: 7, output: '' })
  })

  test('by process.exit() at the moment a run is sent', async () => {
    const program = 'const s = await loading; s.run(feeds); process.exit(7)'
    expect(await run(program)).toEqual({ code: 7, output: '' })
  })

  test.each(process.env.TP_EXHAUSTIVE ? [0, 20, 60] : [20])('by process.exit() %d ms into loading', async (ms) => {
    expect(await run(`setTimeout(() => process.exit(7), ${ms})`)).toEqual({ code: 7, output: '' })
  })

  test('by itself although a session was never disposed of', { tags: 'exhaustive' }, async () => {
    expect(await run("await (await loading).run(feeds); console.log('done')")).toEqual({ code: 0, output: 'done\n' })
  })

  test('reports a worker that is gone with a code, and can still be disposed of', async () => {
    const program = `
      import { writeFileSync } from 'node:fs'
      const s = await loading
      writeFileSync(${JSON.stringify(join(folder, 'die'))}, '')
      const small = { x: { type: 'float32', dims: [1, 1], data: new Float32Array(1) } }
      let code
      while (code === undefined) await s.run(small).catch((error) => { code = error.code })
      console.log(code)
      await s.dispose()`
    const env = { NODE_OPTIONS: `--require ${join(folder, 'dying-worker.cjs')}` }
    expect(await run(program, env)).toEqual({ code: 0, output: 'TP_WORKER\n' })
  })
})
