// The worker: prunes the model once, keeps the pruned file in the browser's cache, and answers one text after another.
import { Tokenizer } from '@huggingface/tokenizers'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel } from '@tp/onnx'
import { wasmRuntime } from '@tp/runtime-web'

const LABELS = ['fine', 'spam']
/** Another number for another model or setting: the cache keeps what it has. */
const PRUNED = 'pruned-1.onnx'

async function prunedModel() {
  const cache = await caches.open('moderation')
  const kept = await cache.match(PRUNED)
  if (kept !== undefined) return new Uint8Array(await kept.arrayBuffer())
  const dense = new Uint8Array(await (await fetch('/model.onnx')).arrayBuffer())
  const amounts = schedule(6, { layers: [0], keep: 0.3 })
  const pruned = encodeModel(
    transform(decodeModel(dense), prune({ method: receivedAttention(), schedule: amounts })).model,
  )
  await cache.put(PRUNED, new Response(pruned))
  return pruned
}

async function open() {
  const tokenizer = new Tokenizer(await (await fetch('/tokenizer.json')).json(), {})
  const session = await wasmRuntime().load(await prunedModel(), { threads: 1 })
  return async (text) => {
    const { ids } = tokenizer.encode(text)
    // The model reads 512 tokens; the last one ends a text, also one that is cut.
    const kept = ids.length <= 512 ? ids : [...ids.slice(0, 511), ids.at(-1)]
    const dims = [1, kept.length]
    const { logits } = await session.run({
      input_ids: { type: 'int64', dims, data: BigInt64Array.from(kept, BigInt) },
      attention_mask: { type: 'int64', dims, data: new BigInt64Array(kept.length).fill(1n) },
    })
    const [fine, spam] = logits.data
    const chance = 1 / (1 + Math.exp(fine - spam))
    return { label: LABELS[Number(chance >= 0.5)], chance: Math.max(chance, 1 - chance) }
  }
}

const opened = open()
self.addEventListener('message', async ({ data: { id, text } }) => {
  try {
    const verdict = await (await opened)(text)
    self.postMessage({ id, verdict })
  } catch (error) {
    self.postMessage({ id, error: error.message })
  }
})
