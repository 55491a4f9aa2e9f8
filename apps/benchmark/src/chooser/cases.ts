import { readFile } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { readTaskData } from '@tp/data'
import { sampleExamples, someExamples } from '@tp/data/inputs'
import { decodeModel, type Model } from '@tp/onnx'
import { realSuite, type SuiteName, trainedModel } from 'real-models'
import { publishedModel } from '../files.ts'
import { openSubject } from '../measure/subject.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { SectionContext } from '../report/section.ts'
import type { GridMethod } from './grid.ts'
import type { PoolData } from './pool-answers.ts'

/** A model with a pool of examples, which calibrations are drawn from, and its grid. */
export interface ChooserCase {
  readonly name: string
  /** The kind of model, for the table. */
  readonly kind: string
  readonly layers: number
  readonly methods: readonly GridMethod[]
  /** Whether its weights are float32, so that 8 bits are a choice. */
  readonly eightBits: boolean
  /** @param limit examples of the pool, if not the usual number */
  readonly open: (context: SectionContext, limit?: number) => Promise<OpenCase>
}

interface OpenCase {
  readonly model: Model
  readonly data: PoolData
  /** Examples that are drawn to choose by, where the pool has too few for both; all of the pool judges then. */
  readonly drawn?: PoolData | undefined
}

const common = ['cls-attention', 'received-attention', 'balanced', 'tome', 'quasi-random', 'random']
const named = (...names: readonly string[]): GridMethod[] => [...common, ...names].map((method) => ({ method }))
const ofTexts: readonly GridMethod[] = [...named('value-aware'), { method: 'balanced', params: { values: true } }]
const ofImages = named('pitome', 'evit')
const ofVectors = named('value-aware', 'pitome')
const ofSounds = named('a-tome', 'stride')

interface SubjectCase extends Pick<ChooserCase, 'kind' | 'methods'> {
  readonly pool: number
}

/** A model of the registry with its test data. */
function ofSubject(name: SubjectName, { kind, methods, pool }: SubjectCase): ChooserCase {
  return {
    ...{ name, kind, methods, layers: subjects[name].layers, eightBits: true },
    async open(context, limit = pool) {
      const { model, inputs } = await openSubject(context, subjects[name], 'test', limit)
      return { model, data: { task: 'classification', inputs } }
    },
  }
}

interface PublishedCase extends Omit<ChooserCase, 'open'> {
  readonly model: () => string
  readonly suite: SuiteName
  /** File or folder of the suite. */
  readonly data: string
  readonly limit: number
  /** Another file of it to choose by. */
  readonly drawnFrom?: string
}

function published({ model, suite, data, limit, drawnFrom, ...facts }: PublishedCase): ChooserCase {
  return {
    ...facts,
    async open({ runtime }, most = limit) {
      const path = model()
      await using session = await runtime.load(path, { threads: 1 })
      const read = async (file: string): Promise<PoolData> => {
        const own = await readTaskData(path, session, suitePath(suite, file))
        if (own.task === 'asr' || own.task === 'multi-label' || own.task === 'regression')
          throw new TpError('TP_OPTION', 'benchmark', `${facts.name}: the task ${own.task} has no grid`)
        return own
      }
      const drawn = drawnFrom === undefined ? undefined : await read(drawnFrom)
      return { model: decodeModel(await readFile(path)), data: poolOf(await read(data), most), drawn }
    },
  }
}

/** Some of the examples, of all classes, since files may be sorted by them; of rankings the first, whose candidates stand together. */
function poolOf(data: PoolData, most: number): PoolData {
  const { inputs } = data
  const some =
    inputs.ranking === undefined
      ? sampleExamples(inputs, most)
      : someExamples(inputs, [...inputs.targets.keys()].slice(0, most))
  // Judgments are of all of the texts.
  const whole = data.task === 'embeddings' ? { task: data.task } : data
  return { ...whole, inputs: some } as PoolData
}

/** @throws TpError TP_FILE_NOT_FOUND unless `npm run models` has put it there */
function suitePath(suite: SuiteName, data: string): string {
  const folder = realSuite(suite)
  if (folder !== undefined) return `${folder}/${data}`
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${suite} is not there; npm run models -- ${suite} fetches it`)
}

/** @throws TpError TP_FILE_NOT_FOUND */
function trained(name: Parameters<typeof trainedModel>[0]): string {
  const path = trainedModel(name)
  if (path !== undefined) return path
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${name} is not there; npm run models -- ${name} trains it`)
}

export const chooserCases: readonly ChooserCase[] = [
  ofSubject('mail', { kind: 'texts, 2 classes', methods: ofTexts, pool: 800 }),
  ofSubject('fashion-vit', { kind: 'images, 10 classes', methods: ofImages, pool: 800 }),
  ofSubject('digits-vit', { kind: 'images, 10 classes', methods: ofImages, pool: 800 }),
  ofSubject('vit-mnist', { kind: 'images, 10 classes', methods: ofImages, pool: 800 }),
  ofSubject('kwt1', { kind: 'sounds, 12 classes', methods: ofSounds, pool: 100 }),
  ofSubject('minilm-sst2', { kind: 'sentences, 2 classes', methods: ofTexts, pool: 800 }),
  ofSubject('minilm-imdb', { kind: 'long texts, 2 classes', methods: ofTexts, pool: 600 }),
  published({
    ...{ name: 'vit-s-cifar10', kind: 'images, 10 classes', layers: 12, methods: ofImages, eightBits: true },
    ...{ model: () => trained('vit-s-cifar10'), suite: 'cifar10', data: 'test', limit: 600 },
  }),
  published({
    ...{ name: 'sick-MiniLM', kind: 'pairs, 3 classes', layers: 6, methods: ofTexts, eightBits: true },
    ...{ model: () => trained('sick-MiniLM'), suite: 'sick', data: 'test.tsv', limit: 800 },
  }),
  published({
    ...{ name: 'banking77-MiniLM', kind: 'texts, 77 classes', layers: 6, methods: ofTexts, eightBits: true },
    ...{ model: () => trained('banking77-MiniLM'), suite: 'banking77', data: 'test.tsv', limit: 800 },
  }),
  published({
    ...{ name: 'wnut17-MiniLM', kind: 'words, 13 tags', layers: 6, methods: ofTexts, eightBits: true },
    ...{ model: () => trained('wnut17-MiniLM'), suite: 'wnut17', data: 'test.tsv', limit: 800 },
  }),
  published({
    ...{ name: 'ms-marco-MiniLM-L12', kind: 'reranker', layers: 12, methods: ofTexts, eightBits: false },
    ...{ model: () => publishedModel('ms-marco-MiniLM-L12'), suite: 'trecqa', data: 'test.tsv', limit: 1442 },
    drawnFrom: 'dev.tsv',
  }),
  published({
    ...{ name: 'all-MiniLM-L6-v2', kind: 'embedder', layers: 6, methods: ofVectors, eightBits: true },
    ...{ model: () => publishedModel('all-MiniLM-L6-v2'), suite: 'sts-2015', data: 'test.tsv', limit: 400 },
  }),
]
