// What a user of transformers.js has written. It knows nothing of pruning; run with `--import ./prune.js` it is pruned.
import { env, type ImageClassificationPipeline, pipeline, RawImage } from '@huggingface/transformers'

const [task, model, folder] = process.argv.slice(2) as ['text-classification' | 'image-classification', string, string]
env.allowRemoteModels = false
env.localModelPath = `${folder}/`

const loading = performance.now()
const classify = await pipeline(task, model, { session_options: { intraOpNumThreads: 1 } })
process.send?.({ loadMs: performance.now() - loading })

process.on('message', async (question: string | Uint8Array) => {
  const input = typeof question === 'string' ? question : new RawImage(question, 28, 28, 1)
  process.send?.(await (classify as ImageClassificationPipeline)(input, { top_k: null as unknown as number }))
})
