import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clauseData } from './clause-data.ts'
import { modelPath } from './embedded-models.ts'
import { mailData } from './mail-data.ts'

/** The models that come with texts. */
export const exampleNames = ['clauses', 'mail'] as const
export type ExampleName = (typeof exampleNames)[number]

/** The files of an example. */
export interface WrittenExample {
  readonly model: string
  /** A table (class, tab, text) of examples to choose a plan by. */
  readonly examples: string
  /** Others, which no plan was chosen by. */
  readonly test: string
  /** How many there are to choose by. */
  readonly count: number
}

/** Writes a model with the files next to it, and tables of texts, into a folder, as a reader's own model has them. */
export function writeExample(name: ExampleName, folder: string): WrittenExample {
  mkdirSync(folder, { recursive: true })
  const at = (file: string): string => join(folder, file)
  copyFileSync(modelPath(name), at('model.onnx'))
  copyFileSync(modelPath(name, 'tokenizer'), at('tokenizer.json'))
  copyFileSync(modelPath(name, 'config'), at('config.json'))
  // Mails are listed class by class, and a reader may take the first of them alone.
  const [data, order] = name === 'mail' ? [mailData, mixed] : [clauseData, asTheyAre]
  const choosing = order([...data('dev'), ...data('calibration')])
  writeFileSync(at('examples.tsv'), tableOf(choosing))
  writeFileSync(at('test.tsv'), tableOf(order(data('test'))))
  return { model: at('model.onnx'), examples: at('examples.tsv'), test: at('test.tsv'), count: choosing.length }
}

interface Labeled {
  readonly label: number
  readonly text: string
}

type Order = (texts: readonly Labeled[]) => readonly Labeled[]

const asTheyAre: Order = (texts) => texts

/** Classes spread evenly, so that each has its share of any beginning. */
const mixed: Order = (texts) => {
  const counts = new Map<number, number>()
  const ranked = texts.map((text) => {
    const rank = counts.get(text.label) ?? 0
    counts.set(text.label, rank + 1)
    return { text, rank }
  })
  const place = ({ text, rank }: (typeof ranked)[number]): number => (rank + 0.5) / (counts.get(text.label) ?? 1)
  return ranked.toSorted((a, b) => place(a) - place(b)).map(({ text }) => text)
}

function tableOf(texts: readonly Labeled[]): string {
  return texts.map(({ label, text }) => `${label}\t${text.replaceAll(/\s+/g, ' ')}\n`).join('')
}
