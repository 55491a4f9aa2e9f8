import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { openDataset, readModelFolder } from '@tp/data'
import { type Dataset, imageDataset, type TextDataset, textDataset } from '@tp/data/inputs'
import { clauseData, digitsData, mailData } from '@tp/models'
import { type Files, limits } from '../files.ts'

/** Settings are chosen on calibration data and reported on test data. */
export type DataSplit = 'calibration' | 'test'

/** Opens the first `limit` examples of a split. */
type Open = (files: Files, split: DataSplit, limit: number) => Promise<Dataset>

const KEYWORDS = ['_silence_', '_unknown_', 'yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go']

/** Parts of SST-2's training sentences are training texts as well: only whole ones are like those of its dev set. */
const LEAST_WORDS = 12

/** Every data set with classes, by name. */
export type DataName = 'clauses' | 'mails' | 'digits' | 'imdb' | 'sst2' | 'fashion' | 'mnist' | 'keywords'

export const dataSets: Readonly<Record<DataName, Open>> = {
  clauses: async (_, split, limit) => first(textDataset('clauses', clauseData(split)), limit),
  mails: async (_, split, limit) => first(textDataset('mails', mailData(split)), limit),
  digits: async (_, split, limit) => digits(split, limit),
  imdb: async (files, split, limit) => sentiment(files, `imdb/${split}.tsv`, limit),
  sst2: async (files, split, limit) =>
    split === 'test' ? sentiment(files, 'sst2/dev.tsv', limit) : wholeSentences(files, limit),
  fashion: async ({ shared }, split, limit) => half(await openDataset(shared('data', 'fashion')), split, limit),
  mnist: async ({ shared }, split, limit) => half(await openDataset(shared('data', 'mnist')), split, limit),
  keywords: async ({ shared }, _, limit) =>
    first(await openDataset(shared('data', 'keywords'), { labels: KEYWORDS }), limit),
}

/** Texts that are labeled with the classes of the sentiment model. @param path below the folder of data */
export async function sentiment(
  { shared }: Files,
  path: string,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<TextDataset> {
  const { labels } = await readModelFolder(shared('models', 'minilm-sentiment', 'model.onnx'))
  const most = Math.min(limit, 10 * limits.examples)
  return (await openDataset(shared('data', ...path.split('/')), {
    labels,
    limit: Number.isFinite(most) ? most : undefined,
  })) as TextDataset
}

async function wholeSentences(files: Files, limit: number): Promise<TextDataset> {
  const all = await sentiment(files, 'sst2/train.tsv', 6 * limit)
  const whole: TextDataset['examples'][number][] = []
  for (const example of all.examples) {
    if (whole.length === limit) break
    if ((await example.read()).split(' ').length >= LEAST_WORDS) whole.push(example)
  }
  return { ...all, examples: whole }
}

/** They come in the order of their classes, so that a part of them is spread over all. */
function digits(split: DataSplit, limit: number): Dataset {
  const all = digitsData(split)
  const step = Math.max(1, Math.floor(all.length / limit))
  const some = all.filter((_, i) => i % step === 0).slice(0, limit)
  return imageDataset('digits', { channels: 1, height: 28, width: 28 }, some)
}

/** The first half of the examples is calibration data, the second half test data. */
function half(dataset: Dataset, split: DataSplit, limit: number): Dataset {
  const from = split === 'calibration' ? 0 : dataset.examples.length / 2
  const to = Math.min(from + limit, from + dataset.examples.length / 2)
  return { ...dataset, examples: dataset.examples.slice(from, to) } as Dataset
}

function first(dataset: Dataset, count: number): Dataset {
  return { ...dataset, examples: dataset.examples.slice(0, count) } as Dataset
}

/** Evenly spaced, for data that come sorted. */
export function evenly(dataset: Dataset, count: number): Dataset {
  const { examples } = dataset
  const step = Math.max(1, examples.length / count)
  const chosen = Array.from({ length: Math.min(count, examples.length) }, (_, i) => examples[Math.floor(i * step)])
  return { ...dataset, examples: chosen } as Dataset
}

/** Texts whose classes the models do not know (`text<TAB>topic` a line): all get class 0, which means nothing. */
export async function topics({ shared }: Files, limit: number): Promise<TextDataset> {
  const path = shared('data', 'agnews', 'test.tsv')
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return textDataset(
    path,
    lines
      .slice(0, Math.min(limit, limits.examples))
      .map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: 0 })),
  )
}

/** Sentences of reviews, 500 of either kind in each set. */
export const sentenceSets = ['amazon', 'imdb', 'yelp'] as const

/**
 * Sentences with their sentiment (0 negative, 1 positive) from the fixtures of npm `sentiment` (MIT), which has them from
 * Kotzias et al., "From Group to Individual Labels Using Deep Features", KDD 2015. Entries without a class are left out.
 */
export async function sentenceSet(name: (typeof sentenceSets)[number]): Promise<TextDataset> {
  const path = createRequire(import.meta.url).resolve(`sentiment/test/fixtures/${name}.json`)
  const entries = JSON.parse(await readFile(path, 'utf8')) as { text: string; class: number | null }[]
  const texts = entries.flatMap(({ text, class: label }) => (label === null ? [] : [{ text: text.trim(), label }]))
  return textDataset(`${name} sentences`, texts)
}

/** All of them, by the names that tables give them. */
export async function sentencesElsewhere(): Promise<Record<string, Dataset>> {
  const sets = sentenceSets.map(async (name) => [`${name} sentences`, await sentenceSet(name)] as const)
  return Object.fromEntries(await Promise.all(sets))
}
