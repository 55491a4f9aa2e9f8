import type { FastifyInstance } from 'fastify'
import { embedTexts } from '../model/ask.ts'
import { checkCount, modelNamed, type RouteContext } from './context.ts'
import { failureOf } from './errors.ts'
import { signalOf } from './over.ts'

interface EmbeddingsBody {
  readonly model: string
  readonly input: string | readonly string[]
  readonly encoding_format?: 'float' | 'base64'
  readonly dimensions?: number
}

const text = { type: 'string' }
const schema = {
  type: 'object',
  required: ['model', 'input'],
  properties: {
    model: text,
    input: { anyOf: [text, { type: 'array', items: text }] },
    encoding_format: { enum: ['float', 'base64'] },
    dimensions: { type: 'integer', minimum: 1 },
  },
}

/** The part of OpenAI's API that encoders can answer. */
export async function openaiRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  app.setErrorHandler((error, _request, reply) => {
    const { status, code, message } = failureOf(error)
    const type = status < 500 ? (status === 429 ? 'rate_limit_error' : 'invalid_request_error') : 'server_error'
    return reply.code(status).send({ error: { message, type, param: null, code } })
  })

  app.post<{ Body: EmbeddingsBody }>('/v1/embeddings', { schema: { body: schema } }, async (request, reply) => {
    const { model, input, encoding_format: format = 'float', dimensions } = request.body
    const texts = typeof input === 'string' ? [input] : input
    checkCount(texts.length, context)
    const ask = { truncate: context.truncate, normalize: true, dimensions, signal: signalOf(reply) }
    const { answers, tokens } = await modelNamed(context, model).use((own) => embedTexts(own, texts, ask))
    return {
      object: 'list',
      data: answers.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: format === 'float' ? Array.from(vector) : base64(vector),
      })),
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    }
  })

  const started = Math.floor(Date.now() / 1000)
  const entry = (id: string): object => ({ id, object: 'model', created: started, owned_by: 'tp' })
  app.get('/v1/models', async () => ({ object: 'list', data: [...context.models.keys()].map(entry) }))
  app.get<{ Params: { model: string } }>('/v1/models/:model', async ({ params }) =>
    entry(modelNamed(context, params.model).name),
  )
}

/** Float32, little-endian, as all platforms of Node are. */
function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
