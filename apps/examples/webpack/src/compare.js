import { Tokenizer } from '@huggingface/tokenizers'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel } from '@tp/onnx'
import { wasmRuntime } from '@tp/runtime-web'

/** The answers of the model to a mail, as it is and pruned; pruning happens here, in the page. Two lines of text. */
export async function compare(mail) {
  const dense = new Uint8Array(await (await fetch('model.onnx')).arrayBuffer())
  const amounts = schedule(6, { keep: 0.7 })
  const result = transform(decodeModel(dense), prune({ method: receivedAttention(), schedule: amounts }))
  const pruned = encodeModel(result.model)

  const tokenizer = new Tokenizer(await (await fetch('tokenizer.json')).json(), {})
  const ids = BigInt64Array.from(tokenizer.encode(mail).ids, BigInt)
  const row = (data) => ({ type: 'int64', dims: [1, data.length], data })
  const inputs = { input_ids: row(ids), attention_mask: row(ids.map(() => 1n)) }

  const models = []
  for (const [name, model] of Object.entries({ dense, pruned })) {
    models.push({ name, session: await wasmRuntime().load(model, { worker: true, threads: 2 }), times: [] })
  }
  for (let round = 0; round < 12; round++) {
    for (const model of models) {
      const start = performance.now()
      model.answer = await model.session.run(inputs)
      model.times.push(performance.now() - start)
    }
  }
  const lines = models.map(({ name, answer, times }) => {
    const [ham, spam] = answer.logits.data
    // The first runs are slow, because the browser is still optimizing.
    const ms = times.slice(6).sort((a, b) => a - b)[3]
    return `${name}: ${spam > ham ? 'spam' : 'no spam'} (${ham.toFixed(5)}, ${spam.toFixed(5)}), ${ms.toFixed(1)} ms`
  })
  for (const { session } of models) await session.dispose()
  return lines
}
