import { TpError } from '@tp/core'
import { IGNORED } from '../inputs/ignored.ts'
import { UNLABELED } from './dataset.ts'
import { type LabeledOptions, requireClass } from './labels.ts'
import { linesOf } from './table/lines.ts'
import { readText } from './table/read-table.ts'
import { TableSize } from './table/table-size.ts'
import { readTexts, type TextsOptions } from './texts.ts'

const MOST_WORDS = 10_000_000

/** A text in words, each with its class number, {@link UNLABELED}, or {@link IGNORED}. */
interface TaggedSentence {
  readonly words: readonly string[]
  readonly tags: readonly number[]
  /** Where it comes from (file, line), for messages. */
  readonly source: string
}

export interface TaggedDataset {
  readonly source: string
  readonly sentences: readonly TaggedSentence[]
}

/**
 * Reads `word<TAB>tag` lines, UTF-8, with an empty line between sentences (the form of CoNLL's shared tasks, which have spaces for tabs,
 * and are read so where the first line ends with the name of a tag). Of more than two columns the first is the word and the last the tag.
 * `-DOCSTART-` lines separate documents and hold nothing; the tag −100 is not judged.
 * @throws TpError TP_DATA naming the line
 */
export async function readTaggedTsv(path: string, { labels, limit }: LabeledOptions = {}): Promise<TaggedDataset> {
  const text = await readText(path)
  const separator = separatorIn(text, labels) ?? '\t'
  const size = new TableSize(MOST_WORDS)
  const sentences: TaggedSentence[] = []
  let words: string[] = []
  let tags: number[] = []
  let number = 0
  const endSentence = (): void => {
    if (words.length > 0) sentences.push({ words, tags, source: `${path}, line ${number - words.length}` })
    ;[words, tags] = [[], []]
  }
  for (const line of linesOf(text)) {
    number++
    const source = `${path}, line ${number}`
    if (line.trim() === '' || line.startsWith('-DOCSTART-')) {
      endSentence()
      if (sentences.length === limit) break
      continue
    }
    const cells = (separator === '\t' ? line : line.trim()).split(separator)
    const [word, tag] = [cells[0] as string, cells.at(-1)?.trim() ?? '']
    if (cells.length < 2 || word.trim() === '' || tag === '') {
      throw new TpError('TP_DATA', 'data', `${source}: is not word<TAB>tag; sentences are separated by empty lines`)
    }
    size.add(path, 2)
    words.push(word)
    tags.push(tag === `${IGNORED}` ? IGNORED : requireClass(tag, labels, source))
  }
  number++
  endSentence()
  if (isNumbered(sentences)) {
    const advice = 'bring the file to word<TAB>tag lines'
    throw new TpError('TP_DATA', 'data', `${path}: its first column numbers the words, as in CoNLL-U; ${advice}`)
  }
  if (sentences.length === 0) throw new TpError('TP_DATA', 'data', `${path}: holds no word<TAB>tag line`)
  return { source: path, sentences }
}

/** Whether a file has tags: its lines have several columns. @throws TpError TP_DATA */
export async function hasTagColumn(path: string, labels?: readonly string[]): Promise<boolean> {
  return separatorIn(await readText(path), labels) !== undefined
}

/**
 * The separator of words and tags: tabs if the first line that holds something has one; spaces if it ends with the name of a tag, and no line
 * is a word alone. Undefined where there are no tags.
 */
function separatorIn(text: string, labels: readonly string[] | undefined): string | RegExp | undefined {
  let first: string | undefined
  for (const line of linesOf(text)) {
    if (line.trim() === '' || line.startsWith('-DOCSTART-')) continue
    if (first === undefined) {
      if (line.includes('\t')) return '\t'
      if (!labels?.includes(line.trim().split(SPACES).at(-1) ?? '')) return undefined
      first = line
    }
    if (!SPACES.test(line.trim())) return undefined
  }
  return first === undefined ? '\t' : SPACES
}

const SPACES = / +/

/**
 * Sentences without tags: the texts of a table, or one a line. Words are separated by white space.
 * @throws TpError TP_DATA naming the line
 */
export async function readSentences(path: string, options: TextsOptions = {}): Promise<TaggedDataset> {
  const { source, examples } = await readTexts(path, options)
  const sentences: TaggedSentence[] = []
  for (const example of examples) {
    const words = (await example.read()).split(/\s+/u).filter((word) => word !== '')
    sentences.push({ words, tags: words.map(() => UNLABELED), source: example.source })
  }
  return { source, sentences }
}

/** Whether the column of words counts 1, 2, 3 … in each of several sentences. */
function isNumbered(sentences: readonly TaggedSentence[]): boolean {
  const counts = sentences.every(({ words }) => words.every((word, i) => word.trim() === `${i + 1}`))
  return counts && sentences.some(({ words }) => words.length > 1)
}
