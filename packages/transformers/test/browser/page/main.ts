import { AutoModelForCausalLM, env, pipeline, RawImage, Tensor } from '@huggingface/transformers'
import { pressCaches, pruneModels, startEightBitCaches } from '@tp/transformers'
import { half, methods, thin } from '../../plans.ts'
import { useServer } from './settings.ts'

useServer()

interface WorkerAnswer {
  readonly dense: unknown
  readonly pruned: unknown
  readonly reports: unknown
}

function askWorker(text: string): Promise<WorkerAnswer> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  worker.postMessage(text)
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
  })
}

/** The interface of this page for tests from outside. */
const page = {
  ...{ AutoModelForCausalLM, askWorker, env, half, methods, pipeline },
  ...{ pressCaches, pruneModels, RawImage, startEightBitCaches, Tensor, thin },
}

declare global {
  var library: typeof page
}

globalThis.library = page
