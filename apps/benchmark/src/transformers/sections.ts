import { readLabelledTexts, readModelFolder } from '@tp/eval'
import { digitsData, embeddedModel, mailData } from '@tp/models'
import { addBert, addDigits, addMail, type ModelFolder } from 'pipeline-models'
import type { Section } from '../report/section.ts'
import { measure } from './measure.ts'

const COUNT = 200

export const sections: readonly Section[] = [
  {
    name: 'mails',
    title: 'mail: spam or not (text-classification)',
    run: ({ onProgress }) => {
      const { labels } = embeddedModel('mail')
      const examples = spread(mailData('test')).map(({ text, label }) => ({
        question: text,
        label: labels[label] as string,
      }))
      const subject = {
        model: 'mail',
        task: 'text-classification',
        what: 'mails of the test split',
        rounds: 5,
      } as const
      return measure({ ...subject, examples, add: addMail }, onProgress)
    },
  },
  {
    name: 'digits',
    title: 'digits-vit: handwritten digits (image-classification)',
    run: ({ onProgress }) => {
      const examples = spread(digitsData('test')).map(({ pixels, label }) => ({
        question: Uint8Array.from(pixels, (brightness) => Math.round(255 * brightness)),
        label: `${label}`,
      }))
      const subject = { model: 'digits-vit', task: 'image-classification', what: 'images of the test split' } as const
      return measure({ ...subject, rounds: 5, examples, add: addDigits }, onProgress)
    },
  },
  {
    name: 'imdb',
    title: 'minilm-sentiment: film reviews of IMDB (text-classification)',
    run: async ({ shared, onProgress }) => {
      const file = (name: string): string => shared('models', 'minilm-sentiment', name)
      const { labels } = await readModelFolder(file('model.onnx'))
      const dataset = await readLabelledTexts(shared('data', 'imdb', 'test.tsv'), { labels })
      const examples = await Promise.all(
        spread(dataset.examples).map(async (example) => ({
          question: await example.read(),
          label: labels?.[example.label] as string,
        })),
      )
      const files = {
        config: file('config.json'),
        tokenizer: file('tokenizer.json'),
        model: file('model.onnx'),
        int8: file('model.int8.onnx'),
      }
      const subject = {
        model: 'minilm-sentiment',
        task: 'text-classification',
        what: 'reviews of the test file',
      } as const
      const add = (folder: ModelFolder): Promise<void> => addBert(folder, subject.model, files)
      return measure({ ...subject, rounds: 5, examples, add }, onProgress)
    },
  },
]

/** So many of the items, evenly spaced. */
function spread<T>(items: readonly T[]): T[] {
  return Array.from({ length: COUNT }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / COUNT)] as T)
}
