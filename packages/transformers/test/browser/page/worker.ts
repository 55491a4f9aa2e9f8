import { pipeline } from '@huggingface/transformers'
import { pruneModels } from '@tp/transformers'
import { half, methods } from '../../plans.ts'
import { useServer } from './settings.ts'

useServer()

/** Answers a text with what the dense and the pruned model say, and what was reported. */
addEventListener('message', async ({ data: text }: MessageEvent<string>) => {
  const run = async (): Promise<unknown> => (await pipeline('text-classification', 'mail', { dtype: 'fp32' }))(text)
  const dense = await run()
  const reports: unknown[] = []
  pruneModels({ methods, defaultPlan: half, onModel: (report) => reports.push(report) })
  postMessage({ dense, pruned: await run(), reports })
})
