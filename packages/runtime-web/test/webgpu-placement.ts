import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prune, transform } from '@tp/compiler'
import { type Method, random, type ScheduleOptions, schedule } from '@tp/core'
import { ats, clsAttention, receivedAttention } from '@tp/method-attention'
import { evit, ltmp, tome } from '@tp/method-hybrid'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, type TestOptions, test } from 'vitest'
import type { RuntimeTestSite } from './browser/site.ts'

const slow: TestOptions = { tags: 'exhaustive' }

export function placementTests(site: RuntimeTestSite): void {
  let page: Page
  let log = ''
  beforeAll(async () => {
    page = await site.open('plain')
    page.on('console', (message) => {
      log += `${message.text()}\n`
    })
  })
  afterAll(() => page.close())

  /** Values that onnxruntime copies in each run from the graphics device to the processor, and the other way. */
  async function copies(model: Uint8Array): Promise<{ toHost: string[]; toDevice: string[] }> {
    await writeFile(join(site.folder, 'placed.onnx'), model)
    log = ''
    await page.evaluate(() => tp.logPlacement('placed.onnx'))
    // Without this line the log would not be what it is taken for.
    expect(log).toMatch(/placed on \[WebGpuExecutionProvider\]/)
    const named = (pattern: RegExp): string[] => [...log.matchAll(pattern)].map(([, value]) => value as string)
    return {
      toHost: named(/Add MemcpyToHost before (\S+)/g),
      toDevice: named(/Add MemcpyFromHost after (\S+)/g),
    }
  }

  test('copies nothing to the host and four values to the device for the dense model', {
    timeout: 60_000,
    tags: 'exhaustive',
  }, async () => {
    const { toHost, toDevice } = await copies(new Uint8Array(await readFile(modelPath('mail'))))
    expect(toHost).toEqual([])
    expect(toDevice).toHaveLength(4)
  })

  // Tokens are pruned in layers 1 to 5, in the last of them by cutting out the class token, which copies nothing.
  const withoutCopies: readonly [name: string, method: Method, amount: ScheduleOptions, options: TestOptions][] = [
    ['received-attention, keep', receivedAttention(), { keep: 0.7 }, {}],
    ['cls-attention, tokens', clsAttention(), { tokens: 64 }, slow],
    ['tome, remove', tome(), { remove: 8 }, slow],
    ['evit, keep', evit(), { keep: 0.7 }, slow],
  ]
  for (const [name, method, amount, options] of withoutCopies) {
    test(`copies nothing to the host and one more number to the device for each cut: ${name}`, options, async () => {
      const { toHost, toDevice } = await copies(await pruned(method, amount))
      expect(toHost).toEqual([])
      expect(toDevice).toHaveLength(4 + 1 + 4)
    })
  }

  // A new onnxruntime may need fewer.
  const withCopies: readonly [
    each: number,
    name: string,
    method: Method,
    amount: ScheduleOptions,
    options: TestOptions,
  ][] = [
    [1, 'received-attention, threshold', receivedAttention(), { threshold: 0.01 }, {}],
    [1, 'cls-attention, mass', clsAttention(), { mass: 0.9 }, slow],
    [2, 'random, keep', random(), { keep: 0.7 }, slow],
    [3, 'ltmp, keep', ltmp(), { keep: 0.7 }, slow],
    [5, 'ats, keep', ats(), { keep: 0.7 }, slow],
  ]
  for (const [each, name, method, amount, options] of withCopies) {
    test(`copies ${each} times to the host for each cut: ${name}`, options, async () => {
      const { toHost } = await copies(await pruned(method, amount))
      expect(toHost).toHaveLength(4 * each)
    })
  }
}

async function pruned(method: Method, amount: ScheduleOptions): Promise<Uint8Array> {
  const result = transform(
    decodeModel(await readFile(modelPath('mail'))),
    prune({ method, schedule: schedule(6, amount) }),
  )
  return encodeModel(result.model)
}
