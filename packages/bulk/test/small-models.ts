import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pack, transform } from '@tp/compiler'
import { mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { afterAll } from 'vitest'

const SIZE = 128

/** A folder of a test's own, gone afterwards, with the model of mails in several forms, each with its files in `model`. */
export function modelFolder(): { readonly path: string; at(...parts: string[]): string } {
  const path = mkdtempSync(join(tmpdir(), 'tp-bulk-'))
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  const at = (...parts: string[]): string => join(path, ...parts)
  mkdirSync(at('model'))
  for (const name of ['config', 'tokenizer'] as const)
    copyFileSync(modelPath('mail', name), at('model', `${name}.json`))
  copyFileSync(modelPath('mail'), at('model', 'model.onnx'))
  return { path, at }
}

/** The model of mails as one that computes on no padding. */
export function packedMail(): Uint8Array {
  const packed = transform(mail(), pack())
  return encodeModel(packed.model)
}

/** The mail encoder with its last states as the output: vectors. */
export function mailStates(): Model {
  const model = mail()
  const graph = new Graph(model)
  const [states = ''] = graph.nodes.findLast(({ opType }) => opType === 'Gather')?.input ?? []
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', ['batch', 'tokens', SIZE])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  return model
}

/** Their first three numbers as logits of tags, which mean nothing. */
export function mailTagger(): Model {
  const model = mailStates()
  const graph = new Graph(model)
  graph.addInitializer('first', { type: 'int64', dims: [3], data: BigInt64Array.of(0n, 1n, 2n) })
  const inputs = ['last_hidden_state', 'first']
  graph.insert([createNode({ type: 'Gather', inputs, outputs: ['logits'], attributes: { axis: 2 } })])
  graph.addOutput('logits', 'float32', ['batch', 'tokens', 3])
  graph.removeOutput('last_hidden_state')
  return model
}

/** The mail model with numbers of two labels whose graph does not say that they are logits: none is below 0, and those of ham alone are above 1. */
export function unsettledLabels(): Model {
  const model = mail()
  const graph = new Graph(model)
  graph.addInitializer('factor', { type: 'float32', dims: [1], data: Float32Array.of(0.57) })
  graph.insert([
    createNode({ type: 'Mul', inputs: ['logits', 'factor'], outputs: ['scaled'] }),
    createNode({ type: 'Relu', inputs: ['scaled'], outputs: ['numbers'] }),
  ])
  graph.addOutput('numbers', 'float32', ['batch', 2])
  graph.removeOutput('logits')
  return model
}

/** Parts of mails, by default of up to 120 characters, with numbers as ids. */
export function writeMails(
  path: string,
  count: number,
  characters = 120,
): { readonly id: number; readonly text: string }[] {
  const parts = (['test', 'train'] as const)
    .flatMap(mailData)
    .flatMap(({ text }) => text.match(new RegExp(`[^]{1,${characters}}`, 'g')) ?? [])
    .filter((part) => part.length > characters / 10)
  const rows = Array.from({ length: count }, (_, i) => ({ id: 1000 + i, text: parts[i % parts.length] as string }))
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return rows
}

function mail(): Model {
  return decodeModel(readFileSync(modelPath('mail')))
}
