import { env, PretrainedConfig } from '@huggingface/transformers'
import { add, input, TpError } from '@tp/core'
import { emitModel } from '@tp/onnx'
import type { FromPretrained, PipelinePlatform, SessionClass } from './platform.ts'

export const platform: PipelinePlatform = {
  findSessionClass,
  async open(model) {
    if (typeof model !== 'string') return { bytes: model }
    throw new TpError('TP_RUNTIME', 'transformers', `a model is loaded from ${model}, not from its bytes`)
  },
}

/** Nobody's model, and its file: addresses need not hold a model's name (`env.remotePathTemplate`). */
const NAME = 'tp-one-node'

/**
 * Has transformers.js load a model of one node, and looks at what its session is an instance of. Bundlers and CDNs
 * put onnxruntime-web into a program in many ways, and more than once; an import of our own might be another copy.
 */
async function findSessionClass(fromPretrained: FromPretrained): Promise<SessionClass> {
  const { fetch } = env
  const bytes = emitModel({ y: add(input('x', 'float32', [1]), 1) })
  // Not a Response: transformers.js would put that into its cache.
  const answer = { status: 200, headers: new Headers(), arrayBuffer: async () => bytes.slice().buffer }
  const answering: typeof fetch = async (url, init) => (String(url).includes(NAME) ? answer : fetch(url, init))
  env.fetch = answering
  try {
    const config = new PretrainedConfig({ model_type: 'custom' })
    const model = await fromPretrained(NAME, { config, device: 'wasm', dtype: 'fp32', model_file_name: NAME })
    const [session] = Object.values(model.sessions)
    await model.dispose()
    return session.constructor
  } finally {
    if (env.fetch === answering) env.fetch = fetch
  }
}
