import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { classifyTexts, embedTexts, givesNumbers, rankTexts } from '../model/ask.ts'
import type { OpenModel } from '../model/open-model.ts'
import type { ServedModel } from '../model/served-model.ts'
import type { Text } from '../model/texts.ts'
import { checkCount, modelNamed, type RouteContext } from './context.ts'
import { failureOf, teiKind } from './errors.ts'
import { frontPage } from './front-page.ts'
import { signalOf } from './over.ts'

const text = { type: 'string' }
const options = {
  truncate: { type: ['boolean', 'null'] },
  // Nothing else is done here; to ignore it would return another answer than the requested one.
  truncation_direction: { enum: ['right', 'Right', null] },
  prompt_name: { type: 'null' },
  model: { type: 'string' },
}

interface Asks {
  readonly truncate?: boolean | null
  /** The model to use, of several; default: the first that can. */
  readonly model?: string
}

interface EmbedBody extends Asks {
  readonly inputs: string | readonly string[]
  readonly normalize?: boolean
  readonly dimensions?: number | null
}

type Pair = readonly [string] | readonly [string, string]

interface PredictBody extends Asks {
  readonly inputs: string | Pair | readonly Pair[]
  readonly raw_scores?: boolean
}

interface RerankBody extends Asks {
  readonly query: string
  readonly texts: readonly string[]
  readonly raw_scores?: boolean
  readonly return_text?: boolean
}

const embedSchema = {
  type: 'object',
  required: ['inputs'],
  properties: {
    ...options,
    inputs: { anyOf: [text, { type: 'array', items: text }] },
    normalize: { type: 'boolean' },
    dimensions: { type: ['integer', 'null'], minimum: 1 },
  },
}

const pair = { type: 'array', items: text, minItems: 1, maxItems: 2 }
const predictSchema = {
  type: 'object',
  required: ['inputs'],
  properties: {
    ...options,
    inputs: { anyOf: [text, pair, { type: 'array', items: pair }] },
    raw_scores: { type: 'boolean' },
  },
}

const rerankSchema = {
  type: 'object',
  required: ['query', 'texts'],
  properties: {
    ...options,
    query: text,
    texts: { type: 'array', items: text },
    raw_scores: { type: 'boolean' },
    return_text: { type: 'boolean' },
  },
}

/** The route that text-embeddings-inference means by `POST /`: that of what the (first) model is for. */
export function rootRoute({ models }: Pick<RouteContext, 'models'>): string {
  const [{ current }] = [...models.values()] as [ServedModel, ...ServedModel[]]
  if (current.vectors !== undefined) return '/embed'
  return current.task === 'ranking' ? '/rerank' : '/predict'
}

/** The routes of text-embeddings-inference. */
export async function teiRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  app.setErrorHandler((error, _request, reply) => {
    const failure = failureOf(error)
    return reply.code(failure.status).send({ error: failure.message, error_type: teiKind(failure), code: failure.code })
  })

  const cuts = ({ truncate }: Asks): boolean => truncate ?? context.truncate

  app.post<{ Body: EmbedBody }>('/embed', { schema: { body: embedSchema } }, async (request, reply) => {
    const { inputs, normalize = true, dimensions, model } = request.body
    const texts = typeof inputs === 'string' ? [inputs] : inputs
    checkCount(texts.length, context)
    const ask = {
      truncate: cuts(request.body),
      normalize,
      dimensions: dimensions ?? undefined,
      signal: signalOf(reply),
    }
    const { answers } = await pick(context, model, ({ vectors }) => vectors !== undefined).use((own) =>
      embedTexts(own, texts, ask),
    )
    return answers.map((vector) => Array.from(vector))
  })

  app.post<{ Body: PredictBody }>('/predict', { schema: { body: predictSchema } }, async (request, reply) => {
    const { inputs, raw_scores: raw = false, model } = request.body
    const isBatch = Array.isArray(inputs) && typeof inputs[0] !== 'string'
    const texts = (isBatch ? inputs : [inputs]).map((each) => textOf(each as string | Pair))
    checkCount(texts.length, context)
    const ask = { truncate: cuts(request.body), raw, signal: signalOf(reply) }
    const classes = await pick(context, model, givesNumbers).use(async (own) => {
      const { answers } = await classifyTexts(own, texts, ask)
      return answers.map((scores) =>
        scores.map((score, i) => ({ score, label: own.labels?.[i] ?? `LABEL_${i}` })).sort((a, b) => b.score - a.score),
      )
    })
    return isBatch ? classes : classes[0]
  })

  app.post<{ Body: RerankBody }>('/rerank', { schema: { body: rerankSchema } }, async (request, reply) => {
    const { query, texts, raw_scores: raw = false, return_text: withText = false, model } = request.body
    checkCount(texts.length, context)
    const ask = { truncate: cuts(request.body), raw, signal: signalOf(reply) }
    const { answers } = await pick(context, model, ({ task }) => task === 'ranking').use((own) =>
      rankTexts(own, query, texts, ask),
    )
    return answers
      .map((score, index) => ({ index, ...(withText && { text: texts[index] }), score }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
  })

  app.get<{ Querystring: { model?: string } }>('/info', async (request) => {
    const served = pick(context, request.query.model, () => true)
    const { current: own, name } = served
    const type =
      own.vectors !== undefined
        ? { embedding: { pooling: own.vectors.pooling } }
        : { [own.task === 'ranking' ? 'reranker' : 'classifier']: labelsOf(own) }
    return {
      model_id: name,
      model_sha: own.version,
      model_type: type,
      max_concurrent_requests: context.limits.requests,
      max_input_length: typeof own.texts === 'string' ? null : own.texts.form.maxTokens,
      max_client_batch_size: context.limits.texts,
      auto_truncate: context.truncate,
      version: context.version,
      runtime: own.runtime,
      packed: own.engine.packed,
      notes: own.notes,
    }
  })

  const sendFrontPage = ({ host, socket }: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply
      .headers({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
      .send(frontPage({ ...context, host, port: socket.localPort }))

  // Clients of text-embeddings-inference look at either for its status alone.
  for (const path of ['/health', '/']) {
    app.get(path, async (request, reply) => {
      if (context.isReady()) return path === '/' ? sendFrontPage(request, reply) : reply.send()
      return reply.code(503).send({ error: 'the server is not ready', error_type: 'unhealthy', code: 'TP_CLOSED' })
    })
  }
}

function textOf(input: string | Pair): Text {
  if (typeof input === 'string') return input
  const [first, second] = input
  return second === undefined ? first : [first, second]
}

/** The model that is named, or the first that can; if none can, the first, which says why not. */
function pick(context: RouteContext, name: string | undefined, can: (model: OpenModel) => boolean): ServedModel {
  if (name !== undefined) return modelNamed(context, name)
  const all = [...context.models.values()] as [ServedModel, ...ServedModel[]]
  return all.find(({ current }) => can(current)) ?? all[0]
}

function labelsOf({ labels = [] }: OpenModel): object {
  const id2label = Object.fromEntries(labels.map((label, id) => [id, label]))
  return { id2label, label2id: Object.fromEntries(labels.map((label, id) => [label, id])) }
}
