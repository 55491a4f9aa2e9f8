import { nativeRuntime } from '@tp/runtime-native'
import type { Section } from '../report/section.ts'
import { minilmFiles, reviewBatches } from './minilm.ts'

/** What a server feels: how long its event loop waits during runs, and what 1,000 requests at once cost. */
export const serviceSection: Section = {
  name: 'service',
  title: 'In a server: the event loop, and 1,000 requests at once',
  async run(context) {
    const file = minilmFiles(context).prunedPacked
    const { inputs } = await reviewBatches(context, 8, 4)
    await using session = await nativeRuntime().load(file, { threads: 1 })
    await session.warmUp(...inputs)

    context.onProgress('event loop')
    const lags: number[] = []
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      lags.push(now - last - 1)
      last = now
    }, 1)
    const runs: number[] = []
    for (let i = 0; i < 20; i++) {
      const start = performance.now()
      await session.run(inputs[i % inputs.length] ?? {})
      runs.push(performance.now() - start)
    }
    clearInterval(timer)

    context.onProgress('1,000 requests')
    const single = await reviewBatches(context, 1, 50)
    const order: number[] = []
    const before = process.memoryUsage().rss
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 20)
    const start = performance.now()
    await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        await session.run(single.inputs[i % single.inputs.length] ?? {})
        order.push(i)
      }),
    )
    const seconds = (performance.now() - start) / 1000
    clearInterval(watch)
    const inOrder = order.every((number, i) => number === i)
    const sorted = [...lags].sort((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] as number
    const run = [...runs].sort((a, b) => a - b)[runs.length >> 1] as number
    const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
    return {
      tables: [
        {
          caption: '',
          headings: ['what', 'figure'],
          rows: [
            ['runs of 8 reviews under way, median', `${run.toFixed(0)} ms`],
            ['a timer of 1 ms is late by, median', `${at(0.5).toFixed(2)} ms`],
            ['… 99th percentile', `${at(0.99).toFixed(2)} ms`],
            ['… at most', `${at(1).toFixed(2)} ms`],
            ['1,000 requests, one review each', `${seconds.toFixed(1)} s`],
            ['answers in order of arrival', inOrder ? 'yes' : 'no'],
            ['memory before, and at most meanwhile', `${mib(before)}, ${mib(most)}`],
          ],
        },
      ],
      notes: [],
      values: { runs, lag: { median: at(0.5), p99: at(0.99), most: at(1) }, seconds, inOrder, before, most },
    }
  },
}
