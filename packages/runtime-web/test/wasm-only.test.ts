import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildPage } from './browser/build-page.ts'

test('downloads nothing of WebGPU where a page uses wasm alone', { timeout: 60_000 }, async () => {
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
