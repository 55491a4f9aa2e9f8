import { baselines, type MethodEntry } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'
import { openMinilm } from '../foundations/minilm.ts'
import { feedsOfShape } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context, Section } from '../report/section.ts'
import { encoders, openEncoder } from '../vision/encoders.ts'
import { openChromiumPage } from './chromium-page.ts'
import { type Case, compareRuntimes } from './compare-runtimes.ts'
import { differences } from './differences.ts'

/** Examples that go through each model: together (texts are padded), and the first once more by itself. */
const EXAMPLES = 4

const methods: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid]

export const sameAnswers: Section = {
  name: 'same-answers',
  title: 'Node and wasm in Chromium: the same answers and the same tokens',
  async run(context) {
    await using page = await openChromiumPage()
    const cases: Case[] = []
    for (const [model, open] of Object.entries(subjects)) {
      const subject = await open(context)
      const feeds = [await subject.inputs.feeds(range(EXAMPLES)), await subject.inputs.feeds([0])]
      for (const method of methods) {
        context.onProgress(`${model}, ${method.name}`)
        cases.push(await compareRuntimes(context, page, { ...subject, name: model }, method, feeds, 'wasm'))
      }
    }
    const caption = `Every method at keep 0.7, ${EXAMPLES} examples together and one of them alone`
    return differences(caption, cases)
  },
}

/** SwiftShader computes WebGPU on the processor, slowly: a few methods, one text of these lengths. */
const webgpuMethods = ['none', 'received-attention', 'cls-attention', 'random', 'ats', 'evit', 'tome']
const webgpuLengths = [32, 128]

export const webgpuAnswers: Section = {
  name: 'webgpu-answers',
  title: 'Node and WebGPU in Chromium (SwiftShader)',
  async run(context) {
    await using page = await openChromiumPage()
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 40)
    const cases: Case[] = []
    for (const tokens of webgpuLengths) {
      const feeds = [await feedsOfShape(subject.inputs, { batch: 1, tokens }, 0)]
      for (const method of methods.filter(({ name }) => webgpuMethods.includes(name))) {
        context.onProgress(`${tokens} tokens, ${method.name}`)
        const of = { ...subject, name: `minilm-sentiment, 1×${tokens}` }
        cases.push(await compareRuntimes(context, page, of, method, feeds, 'webgpu'))
      }
    }
    const caption = 'Keep 0.7; a check of answers, since a processor that plays a graphics device says nothing of speed'
    return differences(caption, cases)
  },
}

/** Every model that there is, with data. */
const subjects: Readonly<Record<string, (context: Context) => Promise<Subject>>> = {
  mail: ({ runtime }) => openMail(runtime),
  'mail, int8': ({ runtime, shared }) => openMail(runtime, { path: shared('models', 'mail', 'model.int8.onnx') }),
  'minilm-sentiment': (context) => openMinilm(context, ['imdb', 'test.tsv'], 40),
  'minilm-sentiment, int8': (context) => openMinilm(context, ['imdb', 'test.tsv'], 40, 'model.int8.onnx'),
  ...Object.fromEntries(
    encoders.map((encoder) => [encoder.name, (context: Context) => openEncoder(context, encoder, 'test')]),
  ),
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
