import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { buildPage } from './browser/build-page.ts'

test('an import has no side effect', async () => {
  const script = `
    const globals = Reflect.ownKeys(globalThis).length
    await import('@tp/runtime-web')
    await import('@tp/runtime-web/webgpu')
    const loaded = process.report.getReport().sharedObjects.filter((path) => path.includes('onnxruntime'))
    console.log(JSON.stringify([Reflect.ownKeys(globalThis).length - globals, process.getActiveResourcesInfo(), loaded]))
  `
  const cwd = import.meta.dirname
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd })
  expect(stderr).toBe('')
  const [globals, resources, loaded] = JSON.parse(stdout)
  expect(globals).toBe(0)
  expect(resources.filter((name: string) => /Worker|MessagePort|Timeout|Immediate|TCP/.test(name))).toEqual([])
  expect(loaded).toEqual([])
})

test('a page that uses wasm alone gets nothing of WebGPU', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-wasm-only-'))
  try {
    await buildPage('wasm-only.html', folder)
    const assets = await readdir(join(folder, 'assets'))
    expect(assets.filter((name) => name.endsWith('.wasm'))).toEqual([
      expect.stringMatching(/^ort-wasm-simd-threaded-[\w-]+\.wasm$/),
    ])
    for (const name of assets.filter((name) => name.endsWith('.js'))) {
      const code = await readFile(join(folder, 'assets', name), 'utf8')
      expect(code).not.toContain('ort.webgpu')
      expect(code).not.toContain('asyncify.wasm')
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
