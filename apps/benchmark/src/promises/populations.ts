import { readFileSync } from 'node:fs'
import { schedule } from '@tp/core'
import { compareEmbeddings, type Embeddings, embed, prepareInputs } from '@tp/eval'
import type { Dataset } from '@tp/eval/inputs'
import type { Figure } from '@tp/eval/metrics'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { answersOf } from '../measure/answers.ts'
import { fileOf, prunedModel } from '../measure/prepare.ts'
import { openOn } from '../measure/subject.ts'
import { evenly } from '../registry/data.ts'
import { type Budget, type MethodChoice, pruned, settingText } from '../registry/settings.ts'
import { dataOf, type SubjectName, subjects } from '../registry/subjects.ts'
import type { Context } from '../report/section.ts'

/** What the dense model and prunings of it answer to some examples, which are all there are: draws are made from them. */
export interface Population {
  readonly name: string
  readonly targets: readonly number[]
  readonly dense: readonly (readonly number[])[]
  /** The slowest first. */
  readonly pruned: readonly { readonly name: string; readonly logits: readonly (readonly number[])[] }[]
}

/** Of data sets that are not the project's; its own are used whole. */
const MOST = 1000

const received: MethodChoice = { method: 'received-attention' }
const balanced: MethodChoice = { method: 'balanced', params: { values: true } }

/** Subjects with a method at keep ratios, the slowest first. */
const sources: readonly (readonly [SubjectName, MethodChoice, readonly number[], Budget['layers']])[] = [
  ['mail', received, [0.5, 0.25, 0.1, 0.03], [0]],
  ['digits-vit', received, [0.8, 0.55, 0.4], [1]],
  ['fashion-vit', received, [0.7, 0.5, 0.3], [1]],
  ['minilm-sst2', balanced, [0.85, 0.7, 0.55], [1, 2, 3, 4, 5]],
]

/** What the models answer; only what has not been asked before is run. */
export async function populations(context: Context): Promise<Population[]> {
  const all: Population[] = []
  for (const [name, choice, keeps, layers] of sources) {
    const form = subjects[name]
    const test = await dataOf(form, context, 'test')
    const calibration = form.embedded ? (await dataOf(form, context, 'calibration')).examples : []
    const whole = { ...test, examples: [...calibration, ...test.examples] } as Dataset
    const subject = await openOn(context, form, form.embedded ? whole : evenly(whole, MOST))
    const { inputs } = subject
    const dense = (await answersOf(context, subject.file, inputs, `${name}, dense`)).logits
    const small: { name: string; logits: Population['dense'] }[] = []
    for (const keep of keeps) {
      const setting = pruned(choice, { keep, layers })
      const { logits } = await answersOf(context, await fileOf(subject, setting), inputs, `${name}, ${keep}`)
      small.push({ name: `${choice.method}, ${settingText(setting)}`, logits })
    }
    all.push({ name, targets: inputs.targets, dense, pruned: small })
  }
  return all
}

/** Figures that are no counts: vectors of the mail model's states compared with those of a pruned one. */
export async function similarities(context: Context): Promise<Readonly<Record<string, Figure>>> {
  const model = mailStates()
  const mails = await dataOf(subjects.mail, context, 'test', MOST)
  const prepare = await subjects.mail.prepare(context)
  const vectorsOf = async (own: Model): Promise<Embeddings> => {
    context.onProgress('mail, vectors')
    await using session = await context.runtime.load(encodeModel(own), { threads: 1 })
    return await embed(session, await prepareInputs(mails, session.inputs, { ...prepare, maxTokens: 128 }), {
      batchSize: 8,
    })
  }
  const options = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.5 }) }
  const [dense, small] = [await vectorsOf(model), await vectorsOf(prunedModel(model, options, 'mail'))]
  return { ...compareEmbeddings(small, dense, { queries: mails.examples.length }) }
}

const WIDTH = 128

/** The first layers of the mail model with their states as an output: real vectors of real texts. */
function mailStates(): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  // One norm after the embeddings and two in each layer: those of layer 2.
  const [states = ''] = graph.nodes.filter(({ opType }) => opType === 'LayerNormalization')[6]?.output ?? []
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', ['batch', 'tokens', WIDTH])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  return model
}
