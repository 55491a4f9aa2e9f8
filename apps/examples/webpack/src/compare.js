import { Tokenizer } from '@huggingface/tokenizers'
import { prune } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel } from '@tp/onnx'
import { wasmRuntime } from '@tp/runtime-web'

/** What the model makes of a mail, as it is and pruned; pruning happens here, in the page. One line of text each. */
export async function* compare(mail) {
  const dense = new Uint8Array(await (await fetch('model.onnx')).arrayBuffer())
  const result = prune(decodeModel(dense), { method: receivedAttention(), schedule: schedule(6, { keep: 0.7 }) })
  if (!result.ok) throw new Error(result.refusal.message)
  const pruned = encodeModel(result.model)

  const tokenizer = new Tokenizer(await (await fetch('tokenizer.json')).json(), {})
  const ids = BigInt64Array.from(tokenizer.encode(mail).ids, BigInt)
  const row = (data) => ({ type: 'int64', dims: [1, data.length], data })
  const inputs = { input_ids: row(ids), attention_mask: row(ids.map(() => 1n)) }

  for (const [name, model] of Object.entries({ dense, pruned })) {
    const session = await wasmRuntime().load(model, { worker: true, threads: 2 })
    const { logits } = await session.run(inputs)
    const [ham, spam] = logits.data
    const times = []
    for (let i = 0; i < 11; i++) {
      const start = performance.now()
      await session.run(inputs)
      times.push(performance.now() - start)
    }
    const ms = times.sort((a, b) => a - b)[5].toFixed(1)
    yield `${name}: ${spam > ham ? 'spam' : 'no spam'} (${ham.toFixed(5)}, ${spam.toFixed(5)}), ${ms} ms`
    await session.dispose()
  }
}
