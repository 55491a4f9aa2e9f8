import { readFileSync } from 'node:fs'
import { inspect } from '@tp/compiler'
import { modelPath } from '@tp/models'
import { createModel, decodeModel, encodeModel, externalTensors, Graph, type Model } from '@tp/onnx'
import { fixture } from './tp.ts'

/** A graph that hands its input on. */
export function withoutNodes(): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 4])
  graph.addOutput('x', 'float32', ['batch', 4])
  return encodeModel(graph.model)
}

/** The fixture whose weights lie in model.onnx.data, with that file under another name or path. */
export function withDataFile(location: string): { readonly model: Uint8Array; readonly data: Uint8Array } {
  const path = fixture('bert-cls-external')
  const model = decodeModel(readFileSync(path))
  const names = new Set(externalTensors(model).map((tensor) => tensor.name))
  for (const tensor of model.proto.graph?.initializer ?? []) {
    if (!names.has(tensor.name)) continue
    for (const entry of tensor.externalData) if (entry.key === 'location') entry.value = location
  }
  return { model: encodeModel(model), data: readFileSync(`${path}.data`) }
}

/** The embedded models in one file: `input_ids`, `attention_mask`, `pixel_values` → `logits`, `digit_logits`. */
export function twoEncoders(): Uint8Array {
  const text = decodeModel(readFileSync(modelPath('mail')))
  const [to, from] = [text, decodeModel(readFileSync(modelPath('digits-vit')))].map(({ proto }) => proto.graph)
  if (to === undefined || from === undefined) throw new Error('a model without a graph')
  const inputs = new Set(from.input.map(({ name }) => name))
  const rename = (name: string): string =>
    name === '' || inputs.has(name) ? name : name === 'logits' ? 'digit_logits' : `image/${name}`
  for (const node of from.node) {
    node.name = `image/${node.name}`
    node.input = node.input.map(rename)
    node.output = node.output.map(rename)
  }
  for (const named of [...from.initializer, ...from.valueInfo, ...from.output]) named.name = rename(named.name)
  to.node.push(...from.node)
  to.initializer.push(...from.initializer)
  to.valueInfo.push(...from.valueInfo)
  to.input.push(...from.input)
  to.output.push(...from.output)
  return encodeModel(text)
}

/** The mail encoder without its head and outputs. `states`: what its last layer returns, [batch, tokens, 128]. */
export function mailStates(): { readonly model: Model; readonly graph: Graph; readonly states: string } {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  const found = inspect(model)
  const states = found.ok ? (found.layers.at(-1)?.output as string) : ''
  for (const { name } of graph.outputs) graph.removeOutput(name)
  return { model, graph, states }
}

/** The same with the states as its output: an encoder that is pooled outside. */
export function mailEmbedder(): Uint8Array {
  const { model, graph, states } = mailStates()
  graph.addOutput(states, 'float32', ['batch', 'sequence', 128])
  graph.removeDeadNodes()
  return encodeModel(model)
}

/** Words that {@link wordTokenizer} knows, by number. */
export const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', 'film', 'very'] as const

/** A tokenizer.json of a few words, for encoders of a small vocabulary. */
export function wordTokenizer(): string {
  const tokenizer = JSON.parse(readFileSync(modelPath('mail', 'tokenizer'), 'utf8'))
  tokenizer.model.vocab = Object.fromEntries(words.map((word, id) => [word, id]))
  return JSON.stringify(tokenizer)
}
