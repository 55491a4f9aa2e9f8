// A function at the edge, or in Electron: wasm on one thread, without native code and without files.
import { wasmRuntime } from '@tp/runtime-web'
import { softmax, textInputs } from './vectors.mjs'

/**
 * The object whose `fetch` Deno, Bun, Cloudflare and others call for each request.
 * @param {{ model: Uint8Array, tokenizer: object, labels: readonly string[], maxTokens?: number }} options
 */
export function classifier({ model, tokenizer, labels, maxTokens = 512 }) {
  const inputsOf = textInputs(tokenizer, maxTokens)
  // Opened by the first request, and kept for the next ones.
  let session
  return {
    async fetch(request) {
      if (request.method !== 'POST') return new Response('POST a text', { status: 405 })
      const text = await request.text()
      if (text.trim() === '') return Response.json({ error: 'the text is empty' }, { status: 400 })
      session ??= wasmRuntime().load(model, { threads: 1 })
      const { logits } = await (await session).run(inputsOf(text))
      const chances = softmax(logits.data)
      const label = labels[chances.indexOf(Math.max(...chances))]
      return Response.json({ label, chances: Object.fromEntries(labels.map((name, i) => [name, chances[i]])) })
    },
    async [Symbol.asyncDispose]() {
      await (await session)?.dispose()
    },
  }
}
