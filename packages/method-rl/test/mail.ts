import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { leaveOut, prune, soften, transform } from '@tp/compiler'
import type { Method, Schedule, Tensor, Values } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

const runtime = nodeRuntime()
/** The first four layers of the mail model. */
export const mailModel: Model = transform(
  decodeModel(readFileSync(modelPath('mail'))),
  leaveOut({ layers: [4, 5] }),
).model

export interface Mails {
  readonly inputs: ModelInputs
  /** Logits of the dense model. */
  readonly teacher: Float32Array
}

/** 32 mails of at most 24 tokens. */
export async function openMails(): Promise<Mails> {
  await using session = await runtime.load(encodeModel(mailModel), { threads: 1 })
  const mails = textDataset('mails', mailData('dev').slice(0, 32))
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 24 })
  return { inputs, teacher: (await evaluate(session, inputs, { batchSize: 8 })).logits }
}

/** Logits of the mail model with the soft form of a method in it. */
export async function softLogits(
  method: Method,
  layers: readonly number[],
  learned: (layer: number) => Values,
  feeds: NamedTensors,
): Promise<number[]> {
  const soft = soften(mailModel, { method, layers, params: learned })
  const outputs: Record<string, Tensor> = { logits: soft.value('logits') }
  return logitsOf(emitModel(outputs), feeds)
}

/** Logits of the mail model as a method prunes it. */
export function prunedLogits(
  method: Method,
  plan: Schedule,
  learned: (layer: number) => Values,
  feeds: NamedTensors,
): Promise<number[]> {
  return logitsOf(prunedMail(mailModel, method, plan, learned), feeds)
}

export function prunedMail(
  model: Model,
  method: Method,
  plan: Schedule,
  learned: (layer: number) => Values,
): Uint8Array {
  const pruned = transform(model, prune({ method, schedule: plan, params: learned }))
  return encodeModel(pruned.model)
}

export async function logitsOf(bytes: Uint8Array, feeds: NamedTensors): Promise<number[]> {
  await using session = await runtime.load(bytes, { threads: 1 })
  const known = new Set(session.inputs.map(({ name }) => name))
  const outputs = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => known.has(name))))
  return Array.from((outputs.logits as TensorLike).data as Float32Array)
}

export function float32(dims: readonly number[], data: Float32Array): TensorLike {
  return { type: 'float32', dims, data }
}

/** Largest difference between two lists. */
export function difference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  return Math.max(0, ...a.map((x, i) => Math.abs(x - (b[i] as number))))
}
