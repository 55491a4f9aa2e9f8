import { TpError } from '@tp/core'
import { checkInputs, isTypedArray, type NamedTensors, type TensorLike, type ValueInfo } from '@tp/core/runtime'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { rowsOf, stack } from '../engine/row.ts'
import { askTexts } from '../model/ask.ts'
import type { OpenModel } from '../model/open-model.ts'
import {
  checkCount,
  MODEL_PATHS,
  modelOfVersion,
  type OfModel,
  type RequestLimits,
  type RouteContext,
} from './context.ts'
import { failureOf, requestError, textOf } from './errors.ts'
import { BinaryTensors, datatypeOf, jsonData, readTensor, readTexts, type TensorJson } from './oip-tensors.ts'
import { signalOf } from './over.ts'
import { tritonRoutes } from './triton.ts'

type Parameters = Readonly<Record<string, unknown>>

interface InferBody {
  readonly id?: string
  readonly parameters?: Parameters
  readonly inputs: readonly TensorJson[]
  readonly outputs?: readonly { readonly name: string; readonly parameters?: Parameters }[]
}

const parameters = { type: 'object' }
const inferSchema = {
  type: 'object',
  required: ['inputs'],
  properties: {
    id: { type: 'string' },
    parameters,
    inputs: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      items: {
        type: 'object',
        required: ['name', 'shape', 'datatype'],
        properties: {
          name: { type: 'string' },
          shape: { type: 'array', maxItems: 8, items: { type: 'integer', minimum: 0 } },
          datatype: { type: 'string' },
          parameters: { type: 'object', properties: { binary_data_size: { type: 'integer', minimum: 0 } } },
        },
      },
    },
    outputs: {
      type: 'array',
      maxItems: 64,
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, parameters } },
    },
  },
}

/** Name of an input of texts, which the model's tokenizer turns into tensors. */
const TEXT = 'text'

const HEADER = 'inference-header-content-length'

/** The Open Inference Protocol v2 with its extension for binary tensors, as KServe and Triton speak it. */
export async function oipRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  app.setErrorHandler((error, _request, reply) => {
    const { status, code, message } = failureOf(error)
    return reply.code(status).send({ error: message, code })
  })
  const binaryOf = new WeakMap<object, BinaryTensors>()
  // Clients name all sorts of types for it. JSON goes through Fastify's parser, which refuses names such as __proto__.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const { json, rest } = divide(request, body as Buffer)
    app.getDefaultJsonParser('error', 'error')(request, json, (error, parsed) => {
      if (typeof parsed === 'object' && parsed !== null) binaryOf.set(parsed, new BinaryTensors(rest))
      done(error, parsed)
    })
  })
  // With the header, what calls itself JSON has binary data after it, too.
  app.removeContentTypeParser('application/json')

  const extensions = ['binary_tensor_data', 'model_configuration', 'statistics']
  app.get('/v2', async () => ({ name: 'tp', version: context.version, extensions }))
  app.get('/v2/health/live', async (_request, reply) => {
    const live = context.isHealthy()
    return reply.code(live ? 200 : 503).send({ live })
  })
  tritonRoutes(app, context)
  app.get('/v2/health/ready', async (_request, reply) => ready(reply, context.isReady()))

  for (const prefix of MODEL_PATHS) {
    app.get<OfModel>(prefix, async ({ params }) => metadataOf(modelOfVersion(context, params)))
    app.get<OfModel>(`${prefix}/ready`, async ({ params }, reply) => {
      const { name, current } = modelOfVersion(context, params)
      return ready(reply, context.isReady() && current.engine.isHealthy(), { name })
    })
    app.post<OfModel & { Body: InferBody }>(
      `${prefix}/infer`,
      { schema: { body: inferSchema } },
      async (request, reply) => {
        const { body } = request
        const { name, use } = modelOfVersion(context, request.params)
        const binary = binaryOf.get(body) ?? new BinaryTensors(new Uint8Array())
        const signal = signalOf(reply)
        const { outputs, version } = await use(async (model) => {
          return { outputs: await infer(model, body, { context, binary, signal }), version: model.version }
        })
        // Not while the model is in use: a reply is awaited until it is sent, which may be never.
        return send(reply, body, outputs, { names: { model_name: name, model_version: version }, context })
      },
    )
  }
}

function ready(reply: FastifyReply, isReady: boolean, more: object = {}): FastifyReply {
  return reply.code(isReady ? 200 : 503).send({ ...more, ready: isReady })
}

function metadataOf({ name, current }: { readonly name: string; readonly current: OpenModel }): object {
  const shape = ({ name: own, type, dims }: ValueInfo): object => ({
    name: own,
    datatype: datatypeOf(type),
    shape: dims.map((dim) => (typeof dim === 'number' ? dim : -1)),
  })
  const { inputs, outputs } = current.session
  return {
    name,
    versions: [current.version],
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(shape),
    outputs: outputs.map(shape),
  }
}

/** JSON and what follows it. */
function divide({ headers }: FastifyRequest, body: Buffer): { readonly json: string; readonly rest: Uint8Array } {
  const header = headers[HEADER]
  const length = header === undefined ? body.length : Number(header)
  if (!Number.isInteger(length) || length < 0 || length > body.length) {
    throw requestError(
      `Inference-Header-Content-Length is ${String(header).slice(0, 40)}, and the body has ${body.length} bytes`,
    )
  }
  return { json: textOf(body.subarray(0, length)), rest: body.subarray(length) }
}

interface InferOptions {
  readonly context: RouteContext
  readonly binary: BinaryTensors
  readonly signal: AbortSignal
}

async function infer(
  model: OpenModel,
  { inputs, parameters }: InferBody,
  options: InferOptions,
): Promise<NamedTensors> {
  const { context, binary, signal } = options
  const { engine, session } = model
  const [only] = inputs
  if (inputs.length === 1 && only?.name === TEXT && only.datatype === 'BYTES') {
    const texts = readTexts(only, binary)
    binary.end()
    checkCount(texts.length, context)
    const truncate = typeof parameters?.truncate === 'boolean' ? parameters.truncate : context.truncate
    return together((await askTexts(model, texts, { truncate, signal })).answers, model, 0)
  }
  const tensors = new Map<string, TensorLike>()
  for (const input of inputs) {
    if (tensors.has(input.name)) throw requestError(`input "${input.name.slice(0, 100)}" is there twice`)
    tensors.set(input.name, readTensor(input, binary))
  }
  binary.end()
  const named = Object.fromEntries(tensors)
  checkInputs('server', session.inputs, named)
  const rows = Object.values(named)[0]?.dims[0] ?? 0
  checkCount(rows, context)
  checkIds(named, model)
  try {
    return together(
      await engine.run(rowsOf(engine.form, named), { signal }),
      model,
      Object.values(named)[0]?.dims[1] ?? 0,
    )
  } catch (error) {
    // Tensors come from the client, and they alone made it fail.
    if (error instanceof TpError && error.code === 'TP_RUN')
      throw requestError(`the model cannot run these inputs: ${error.message}`)
    throw error
  }
}

/** @throws TpError TP_INPUT for ids that the model has no embedding for, and TP_TOO_LONG */
function checkIds({ input_ids: ids }: NamedTensors, { vocabularySize, texts }: OpenModel): void {
  if (ids === undefined) return
  const [, length = 0] = ids.dims
  if (typeof texts !== 'string' && length > texts.form.maxTokens) {
    throw new TpError(
      'TP_TOO_LONG',
      'server',
      `input_ids has ${length} tokens a row, and the model takes ${texts.form.maxTokens}`,
    )
  }
  const wrong = Array.from(ids.data, Number).find((id) => id < 0 || id >= (vocabularySize ?? Number.POSITIVE_INFINITY))
  if (wrong === undefined) return
  throw new TpError(
    'TP_INPUT',
    'server',
    `input_ids has ${wrong}, which is not a token: the model has ${vocabularySize ?? 'ids from 0 on'}`,
  )
}

/** Outputs of all rows as one batch; rows of texts that are shorter are filled up with 0. */
function together(answers: readonly NamedTensors[], { engine, session }: OpenModel, length: number): NamedTensors {
  const outputs = session.outputs.map(({ name, type }): [string, TensorLike] => {
    const rows = answers.map((answer) => answer[name] as TensorLike)
    const least = engine.tokenOutputs.has(name) ? length : 0
    return [name, stack(rows, type as TensorLike['type'], rows[0]?.dims ?? [], 0, least)]
  })
  return Object.fromEntries(outputs)
}

function send(
  reply: FastifyReply,
  { id, parameters, outputs: requested }: InferBody,
  outputs: NamedTensors,
  { names, context: { limits } }: { readonly names: object; readonly context: RouteContext },
): FastifyReply {
  const all = requested ?? Object.keys(outputs).map((name) => ({ name, parameters: undefined }))
  const parts: Uint8Array[] = []
  let values = 0
  const entries = all.map(({ name, parameters: own }) => {
    const tensor = Object.hasOwn(outputs, name) ? outputs[name] : undefined
    if (tensor === undefined)
      throw requestError(`there is no output "${name.slice(0, 100)}"; there are ${Object.keys(outputs).join(', ')}`)
    const entry = { name, shape: tensor.dims, datatype: datatypeOf(tensor.type) }
    if ((own?.binary_data ?? parameters?.binary_data_output) !== true || !isTypedArray(tensor.data)) {
      values += tensor.data.length
      if (values > limits.values) throw tooManyValues(name, tensor, limits)
      return { ...entry, data: jsonData(name, tensor) }
    }
    const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
    parts.push(bytes)
    return { ...entry, parameters: { binary_data_size: bytes.length } }
  })
  const answer = { ...names, ...(id !== undefined && { id }), outputs: entries }
  if (parts.length === 0) return reply.send(answer)
  const json = Buffer.from(JSON.stringify(answer))
  return reply
    .header(HEADER, json.length)
    .type('application/octet-stream')
    .send(Buffer.concat([json, ...parts]))
}

/** Writing them as JSON would hold up all other requests for seconds, and have more characters than a text can have. */
function tooManyValues(name: string, { dims }: TensorLike, { values }: RequestLimits): TpError {
  const seen = `with output "${name}" of the shape [${dims}] the answer has more than ${values} values`
  return new TpError('TP_TOO_MANY', 'server', `${seen}; ask for binary data, or send fewer texts at once`)
}
