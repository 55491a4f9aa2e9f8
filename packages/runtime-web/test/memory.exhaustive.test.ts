import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryOf } from './browser/memory.ts'
import { openSite } from './browser/site.ts'

const site = await openSite()
await copyFile(modelPath('mail'), join(site.folder, 'mail.onnx'))
afterAll(() => site.close())

describe('200 models in turn', () => {
  test('in the page share one memory that does not grow', { timeout: 240_000 }, async () => {
    const page = await site.open('plain')
    const size = (): Promise<number> =>
      page.evaluate(() => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0))
    const cycles = (many: number): Promise<void> =>
      page.evaluate(async (many) => {
        const model = new Uint8Array(await (await fetch('mail.onnx')).arrayBuffer())
        const row = { type: 'int64', dims: [1, 16], data: new BigInt64Array(16).fill(1n) }
        for (let cycle = 0; cycle < many; cycle++) {
          const session = await tp.wasm.load(model)
          await session.run({ input_ids: row, attention_mask: row })
          await session.dispose()
        }
      }, many)
    await cycles(20)
    const before = { wasm: await size(), ...(await memoryOf(page)) }
    await cycles(180)
    const after = { wasm: await size(), ...(await memoryOf(page)) }
    await page.close()
    expect(before.wasm).toBeGreaterThan(0)
    expect(after.wasm).toBe(before.wasm)
    expect(after.heap - before.heap).toBeLessThan(5)
    // One model in 180 that is not freed would be 9 MB.
    expect(after.processes - before.processes).toBeLessThan(100)
  })

  test('in workers end every worker and free their memory', { timeout: 240_000 }, async () => {
    const page = await site.open('plain')
    const cycles = (many: number): Promise<void> =>
      page.evaluate(async (many) => {
        for (let cycle = 0; cycle < many; cycle++) {
          const session = await tp.wasm.load(tp.models.slowModel, { worker: true })
          await session.run({ x: { type: 'float32', dims: [64, 64], data: new Float32Array(64 * 64) } })
          await session.dispose()
        }
      }, many)
    await cycles(20)
    const before = await memoryOf(page)
    await cycles(180)
    const after = await memoryOf(page)
    await expect.poll(() => page.workers()).toEqual([])
    await page.close()
    expect(after.heap - before.heap).toBeLessThan(5)
    // Each worker holds some 35 MB of wasm: this is less than three of 180.
    expect(after.processes - before.processes).toBeLessThan(100)
  })
})
