// Search in a Node service: POST /search {"text": "…", "count": 5} finds the passages whose vectors are nearest.
//   node search-service.mjs pruned.onnx tokenizer.json passages.json
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { nodeRuntime } from '@tp/runtime-node'
import Fastify from 'fastify'
import { normalized, textInputs } from './vectors.mjs'

const body = {
  type: 'object',
  required: ['text'],
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 100_000 },
    count: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
  },
}

/**
 * @param {{ model: string, tokenizer: string, passages: readonly string[], output?: string, maxTokens?: number }} options
 *   `output`: whose first row is a text's vector: `logits`, `sentence_embedding`
 */
export async function searchService({ model, tokenizer, passages, output = 'logits', maxTokens = 512 }) {
  // In a worker, so that the service goes on answering while the model computes.
  const session = await nodeRuntime().load(model, { worker: true, threads: 1 })
  const inputsOf = textInputs(JSON.parse(await readFile(tokenizer, 'utf8')), maxTokens)
  const vectorOf = async (text, signal) => normalized((await session.run(inputsOf(text), { signal }))[output].data)

  const vectors = []
  for (const passage of passages) vectors.push(await vectorOf(passage))

  const app = Fastify()
  app.post('/search', { schema: { body } }, async (request) => {
    const { text, count } = request.body
    const vector = await vectorOf(text, request.signal)
    const scored = vectors.map((own, i) => ({ passage: i, score: own.reduce((sum, x, k) => sum + x * vector[k], 0) }))
    scored.sort((a, b) => b.score - a.score)
    return scored.slice(0, count).map(({ passage, score }) => ({ passage, score, text: passages[passage] }))
  })
  app.addHook('onClose', () => session.dispose())
  return app
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [model, tokenizer, file] = process.argv.slice(2)
  const app = await searchService({ model, tokenizer, passages: JSON.parse(await readFile(file, 'utf8')) })
  console.log(await app.listen({ port: 8080 }))
}
