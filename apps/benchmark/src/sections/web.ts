import type { MethodEntry } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'
import { shapeColumns, show } from '../measure/columns.ts'
import { named } from '../measure/measure.ts'
import { type Parity, parityFindings, parityOf, refused, tracedModel } from '../measure/parity.ts'
import { answersSection, speedSection } from '../measure/studies.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { feedsOfShape } from '../measure/times.ts'
import { trainingFree } from '../registry/methods.ts'
import { DENSE, laterLayers, NONE, pruned, type Setting } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Context, Report, Section } from '../report/section.ts'
import { type ChromiumPage, openChromiumPage, pageTimer } from '../web/chromium-page.ts'

/** What is timed in Chromium, and at what accuracy. */
const settings: Readonly<Record<string, Setting>> = {
  none: NONE,
  dense: DENSE,
  'received-attention 0.7': pruned('received-attention', laterLayers(0.7)),
  'received-attention 0.7, layer 0 too': pruned('received-attention', { keep: 0.7, layers: [0, 1, 2, 3, 4, 5] }),
  'received-attention 0.5': pruned('received-attention', laterLayers(0.5)),
  'cls-attention 0.7': pruned('cls-attention', laterLayers(0.7)),
}

/** The 2 threads are those of a worker of its own for each model, with the way there in every time. */
const wasmSpeed = speedSection('wasm-speed', {
  settings,
  rounds: 100,
  budgetMs: 40_000,
  columns: () => shapeColumns,
  async withTimers(time) {
    await using page = await openChromiumPage()
    await time({
      [`Chromium ${page.version}, one thread, in the page`]: pageTimer(page, { threads: 1 }),
      [`Chromium ${page.version}, two threads, in a worker`]: pageTimer(page, { threads: 2, worker: true }),
    })
  },
})

/** In Node, where it takes a fraction of the time; the section on equal answers says how far that carries over. */
const wasmAccuracy = answersSection('wasm-accuracy', {
  subjects: ['minilm-imdb', 'minilm-sst2'],
  examples: 2000,
  candidates: named(settings).filter(({ name }) => name !== 'dense'),
  columns: () => ({ ...show.method, ...show.accuracy, ...show.loss, ...show.agreement }),
})

/** Examples that go through each model: together (texts are padded), and the first once more by itself. */
const EXAMPLES = 4

const compared: readonly { readonly name: SubjectName; readonly int8?: true }[] = [
  { name: 'mail' },
  { name: 'mail', int8: true },
  { name: 'minilm-imdb' },
  { name: 'minilm-imdb', int8: true },
  ...(['fashion-vit', 'digits-vit', 'vit-mnist', 'kwt1'] as const).map((name) => ({ name })),
]

interface InPage {
  readonly page: ChromiumPage
  readonly runtime: 'wasm' | 'webgpu'
  readonly subject: Subject
  readonly model: string
  readonly int8: true | undefined
  readonly feeds: readonly NamedTensors[]
}

/** A method at keep 0.7 in each layer but the first, in Node and in the page. */
async function parityInPage(
  context: Context,
  { page, runtime, subject, model, int8, feeds }: InPage,
  { name: method }: MethodEntry,
): Promise<Parity> {
  context.onProgress(`${model}, ${method}`)
  const budget = { keep: 0.7, layers: Array.from({ length: subject.layers - 1 }, (_, i) => i + 1) }
  const found = await tracedModel(subject, { ...pruned(method, budget), ...(int8 && { int8 }) })
  if ('refusal' in found) return refused({ model, method }, found.refusal)
  const file = encodeModel(found)
  await using session = await context.runtime.load(file, { threads: 1 })
  await page.load(method, file, runtime, { threads: 1 })
  const parity = await parityOf({ model, method }, session, (inputs) => page.run(method, inputs), feeds)
  await page.clear()
  return parity
}

const sameAnswers: Section = {
  name: 'same-answers',
  async run(context) {
    await using page = await openChromiumPage()
    const cases: Parity[] = []
    for (const { name, int8 } of compared) {
      const subject = await openSubject(context, subjects[name], 'test', EXAMPLES)
      const feeds = [await subject.inputs.feeds([0, 1, 2, 3]), await subject.inputs.feeds([0])]
      const about = { page, subject, feeds, runtime: 'wasm', model: int8 ? `${name}, int8` : name, int8 } as const
      for (const method of trainingFree) cases.push(await parityInPage(context, about, method))
    }
    return parityFindings(`Every method at keep 0.7, ${EXAMPLES} examples together and one of them alone`, cases)
  },
}

/** SwiftShader computes WebGPU on the processor, slowly: a few methods, one text of each length. */
const webgpuMethods = ['none', 'received-attention', 'cls-attention', 'random', 'ats', 'evit', 'tome']

const webgpuAnswers: Section = {
  name: 'webgpu-answers',
  async run(context) {
    await using page = await openChromiumPage()
    const subject = await openSubject(context, subjects['minilm-imdb'], 'test', 40)
    const cases: Parity[] = []
    for (const tokens of [32, 128]) {
      const feeds = [await feedsOfShape(subject.inputs, { batch: 1, tokens }, 0)]
      const about = { page, subject, feeds, runtime: 'webgpu', model: `1×${tokens}`, int8: undefined } as const
      for (const method of trainingFree.filter(({ name }) => webgpuMethods.includes(name))) {
        cases.push(await parityInPage(context, about, method))
      }
    }
    return parityFindings('Keep 0.7 on WebGPU, computed by a processor', cases)
  },
}

export const web: Report = { name: 'web', sections: [wasmSpeed, wasmAccuracy, sameAnswers, webgpuAnswers] }
