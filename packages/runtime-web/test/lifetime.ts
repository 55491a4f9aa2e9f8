import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RuntimeTestSite } from './browser/site.ts'

export function lifetimeTests(site: RuntimeTestSite): void {
  beforeAll(async () => {
    await copyFile(modelPath('digits-vit'), join(site.folder, 'digits.onnx'))
    const result = transform(
      decodeModel(await readFile(modelPath('mail'))),
      prune({
        method: receivedAttention(),
        schedule: schedule(6, { keep: 0.7 }),
      }),
    )
    await writeFile(join(site.folder, 'mail.onnx'), encodeModel(result.model))
  })

  const places = [
    ['in the page', {}],
    ['in a worker', { worker: true }],
  ] as const

  describe.each(places)('a batch that is canceled in the middle, %s', (_, options) => {
    test('by its signal keeps the finished part, aborts the rest, and the session continues', {
      timeout: 60_000,
    }, async () => {
      const page = await site.open('plain')
      const seen = await page.evaluate(async (options) => {
        const session = await tp.wasm.load(tp.models.slowModel, options)
        const x = { type: 'float32', dims: [128, 128], data: new Float32Array(128 * 128) }
        const controller = new AbortController()
        const batch = Array.from({ length: 6 }, () => session.run({ x }, { signal: controller.signal }))
        batch[1]?.then(() => controller.abort()).catch(() => {})
        const settled = await Promise.allSettled(batch)
        const outcomes = settled.map((run) => (run.status === 'fulfilled' ? 'done' : run.reason.code))
        const { y } = await session.run({ x })
        await session.dispose()
        return { outcomes, dims: y?.dims }
      }, options)
      expect(seen.outcomes).toEqual(['done', 'done', ...new Array(4).fill('TP_ABORTED')])
      expect(seen.dims).toEqual([128, 128])
      await page.close()
    })

    test('by disposal ends the current run and drops the waiting ones', { timeout: 60_000 }, async () => {
      const page = await site.open('plain')
      const outcomes = await page.evaluate(async (options) => {
        const session = await tp.wasm.load(tp.models.slowModel, options)
        const x = { type: 'float32', dims: [128, 128], data: new Float32Array(128 * 128) }
        const batch = Array.from({ length: 6 }, () => session.run({ x }))
        batch[1]?.then(() => session.dispose())
        const settled = await Promise.allSettled(batch)
        await session.dispose()
        return settled.map((run) => (run.status === 'fulfilled' ? 'done' : run.reason.code))
      }, options)
      // The third has begun by the time that the caller hears of the second.
      expect(outcomes).toEqual(['done', 'done', 'done', ...new Array(3).fill('TP_DISPOSED')])
      await expect.poll(() => page.workers()).toEqual([])
      await page.close()
    })
  })

  describe('two models at once', () => {
    const digit = Array.from({ length: 28 * 28 }, (_, i) => Math.sin(i))
    const words = Array.from({ length: 24 }, (_, i) => (i === 0 ? 2 : 100 + 31 * i))
    let expected: number[][]
    beforeAll(async () => {
      expected = []
      for (const [file, inputs] of [
        ['mail.onnx', mailInputs(words)],
        ['digits.onnx', digitInputs(digit)],
      ] as const) {
        await using session = await nodeRuntime().load(join(site.folder, file))
        expected.push(Array.from((await session.run(inputs)).logits?.data as Float32Array))
      }
    })

    test.each(places)('run in turns and at the same time: %s', { timeout: 60_000 }, async (_, options) => {
      const page = await site.open('plain')
      const seen = await page.evaluate(
        async ([options, words, digit]) => {
          const sessions = await Promise.all(['mail.onnx', 'digits.onnx'].map((file) => tp.wasm.load(file, options)))
          const [mail, digits] = sessions as [(typeof sessions)[0], (typeof sessions)[0]]
          const row = (data: BigInt64Array) => ({ type: 'int64', dims: [1, data.length], data })
          const runs = {
            mail: () =>
              mail.run({
                input_ids: row(BigInt64Array.from(words, BigInt)),
                attention_mask: row(new BigInt64Array(words.length).fill(1n)),
              }),
            digits: () =>
              digits.run({ pixel_values: { type: 'float32', dims: [1, 1, 28, 28], data: Float32Array.from(digit) } }),
          }
          const results = [await runs.mail(), await runs.digits(), await runs.mail(), await runs.digits()]
          results.push(...(await Promise.all([runs.mail(), runs.digits(), runs.mail(), runs.digits()])))
          for (const session of sessions) await session.dispose()
          return results.map(({ logits }) => Array.from(logits?.data as Float32Array))
        },
        [options, words, digit] as const,
      )
      expect(seen).toHaveLength(8)
      for (const [i, logits] of seen.entries()) {
        const own = expected[i % 2] as number[]
        expect(logits).toHaveLength(own.length)
        for (const [j, value] of logits.entries()) expect(Math.abs(value - (own[j] as number))).toBeLessThan(1e-4)
      }
      await page.close()
    })
  })

  describe('a page that is closed or navigates away during a run', () => {
    /** Starts a run that takes minutes; true once it is under way. */
    const startLongRun = (page: Page): Promise<boolean> =>
      page.evaluate(async () => {
        const session = await tp.wasm.load(tp.models.slowModel, { worker: true })
        const size = 4096
        const x = { type: 'float32', dims: [size, size], data: new Float32Array(size * size) }
        const ended = session.run({ x }).then(() => true)
        return !(await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve(false), 500))]))
      })

    const answers = (page: Page): Promise<unknown> =>
      page.evaluate(async () => {
        const session = await tp.wasm.load(tp.models.sumModel, { worker: true })
        const one = { type: 'float32', dims: [1, 1, 2], data: Float32Array.of(1, 2) }
        const { y } = await session.run({ a: one, b: one })
        await session.dispose()
        return Array.from(y?.data as Float32Array)
      })

    test('ends its worker on navigation, and can be opened again', {
      timeout: 60_000,
      tags: 'exhaustive',
    }, async () => {
      const page = await site.open('plain')
      expect(await startLongRun(page)).toBe(true)
      expect(page.workers()).toHaveLength(1)
      const address = page.url()
      await page.goto('about:blank')
      await expect.poll(() => page.workers()).toEqual([])
      await page.goto(address)
      await page.waitForFunction(() => 'tp' in globalThis)
      expect(await answers(page)).toEqual([2, 4])
      await page.close()
    })

    test('ends its worker on closing, and the browser continues', { timeout: 60_000 }, async () => {
      const page = await site.open('plain')
      expect(await startLongRun(page)).toBe(true)
      const [worker] = page.workers()
      const gone = new Promise((resolve) => worker?.once('close', resolve))
      await page.close()
      await gone
      const next = await site.open('plain')
      expect(await answers(next)).toEqual([2, 4])
      await next.close()
    })
  })
}

function mailInputs(ids: readonly number[]): NamedTensors {
  const dims = [1, ids.length]
  return {
    input_ids: { type: 'int64', dims, data: BigInt64Array.from(ids, BigInt) },
    attention_mask: { type: 'int64', dims, data: new BigInt64Array(ids.length).fill(1n) },
  }
}

function digitInputs(pixels: readonly number[]): NamedTensors {
  return { pixel_values: { type: 'float32', dims: [1, 1, 28, 28], data: Float32Array.from(pixels) } }
}
