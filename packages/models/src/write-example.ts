import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clauseData } from './clause-data.ts'
import { modelPath } from './embedded-models.ts'
import { ExampleError } from './example-error.ts'
import { mailData } from './mail-data.ts'
import { writeNewFiles } from './new-files.ts'

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

/** SHA-256 of the models, by which a damaged installation is noticed. */
const digests: Readonly<Record<ExampleName, string>> = {
  clauses: '9f26e3e2073ecf5f26688711a5e28f086f343beea7b50877aa72c8e5deb1cd18',
  mail: 'de5759beaa60702c33d1f925e6bf5ea5232caf1c975ba0c87a9d93883b5934ba',
}

/**
 * Writes a model with the files next to it, and tables of texts, into a folder, as a reader's own model has them. All or none; no other file
 * is replaced.
 * @throws ExampleError TP_OUTPUT, TP_WRITE; TP_INSTALL where a file of this package is missing or damaged
 */
export function writeExample(name: ExampleName, folder: string): WrittenExample {
  const at = (file: string): string => join(folder, file)
  const files = new Map<string, Uint8Array>([
    ['model.onnx', ownFile(name, 'model')],
    ['tokenizer.json', ownFile(name, 'tokenizer')],
    ['config.json', ownFile(name, 'config')],
  ])
  // Mails are listed class by class, and a reader may take the first of them alone.
  const [data, order] = name === 'mail' ? [mailData, mixed] : [clauseData, asTheyAre]
  const choosing = ofPackage(() => order([...data('dev'), ...data('calibration')]))
  files.set('examples.tsv', Buffer.from(tableOf(choosing)))
  files.set('test.tsv', Buffer.from(ofPackage(() => tableOf(order(data('test'))))))
  writeNewFiles(folder, files)
  return { model: at('model.onnx'), examples: at('examples.tsv'), test: at('test.tsv'), count: choosing.length }
}

function ownFile(name: ExampleName, kind: 'model' | 'tokenizer' | 'config'): Buffer {
  return ofPackage(() => {
    const bytes = readFileSync(modelPath(name, kind))
    if (kind !== 'model') JSON.parse(bytes.toString())
    else if (createHash('sha256').update(bytes).digest('hex') !== digests[name])
      throw new Error(`${modelPath(name)} is not the file that was published`)
    return bytes
  })
}

/** Reads something of this package. @throws ExampleError TP_INSTALL */
function ofPackage<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new ExampleError('TP_INSTALL', `install @tp/models again: ${(cause as Error).message}`, { cause })
  }
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
