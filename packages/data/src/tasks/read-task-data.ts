import { TpError } from '@tp/core'
import type { ModelSignature, ValueInfo } from '@tp/core/runtime'
import type { TextDataset } from '../datasets/dataset.ts'
import { competes } from '../datasets/ranking.ts'
import { isRetrievalFolder } from '../datasets/retrieval/retrieval-folder.ts'
import { readSearchData } from '../datasets/retrieval/search-data.ts'
import { readScoredPairs } from '../datasets/scored-pairs.ts'
import { hasTagColumn, readSentences, readTaggedTsv } from '../datasets/tagged-tsv.ts'
import { readTexts } from '../datasets/texts.ts'
import { loadTokenizer } from '../inputs/load-tokenizer.ts'
import { hasTags, isLabeled, type ModelInputs, modalityOf } from '../inputs/model-inputs.ts'
import { requirePooling } from '../inputs/pooling.ts'
import { prepareInputs } from '../inputs/prepare.ts'
import { taggedInputs } from '../inputs/tagged-inputs.ts'
import { mapOutput } from '../outputs/map-output.ts'
import type { Task } from '../outputs/task-of.ts'
import { embeddingOutput } from '../outputs/vectors.ts'
import { readSpeech } from '../speech/read-speech.ts'
import { speechInputs } from '../speech/speech-inputs.ts'
import { refuseIdleOptions } from './idle-options.ts'
import { noted } from './noted.ts'
import { type ExamplesOptions, type KnownModel, readInputs, readKnown, wholeBatches } from './open-examples.ts'
import { readEstimated } from './read-estimated.ts'
import { readLabeled } from './read-labeled.ts'
import type { EmbeddingData, SpeechData, TaskData } from './task-data.ts'
import { unranked } from './unranked.ts'
import { promptNote, withPrompts } from './with-prompts.ts'

export interface TaskDataOptions extends ExamplesOptions {
  /** Default: what the model's outputs look like. */
  readonly task?: Task | undefined
  /** Whether the vectors of all tokens are compared, and none are pooled. */
  readonly byToken?: boolean | undefined
}

/** Data of any task; recordings still without the decoder that writes them down. */
export type ReadTaskData = Exclude<TaskData, SpeechData> | Omit<SpeechData, 'decoder'>

/**
 * The examples of a file or folder for a task: those of a classifier, with labels if there are any, tagged words, texts to embed with judgments where the data have them,
 * candidates to be ranked, or recordings.
 * @param modelPath an ONNX file, next to which are its classes, pooling and tokenizer
 * @param model its inputs and outputs, or a session
 * @throws TpError TP_DATA; TP_OPTION for an option that the task does not read; TP_TASK for a model that gives maps, or answers for each token of what is not a text; TP_TOKENIZER where there is none; TP_POOLING
 * @example
 * const data = await readTaskData('model.onnx', session, 'dev.tsv')
 */
export async function readTaskData(
  modelPath: string,
  model: ModelSignature,
  data: string,
  options: TaskDataOptions = {},
): Promise<ReadTaskData> {
  const known = await readKnown(modelPath, model, options)
  const { labels, task } = known
  const { limit } = options
  // Images and sounds have their labels in file names, which need not be parsed.
  const isText = modalityOf(model.inputs) === 'text'
  if (task === 'tokens' && !isText && options.task === undefined) throw givesTags(modelPath)
  await refuseIdleOptions(task, isText, data, options)
  if (task === 'asr') {
    return { task, inputs: await speechInputs(await readSpeech(data, { limit }), modelPath, model.inputs) }
  }
  const map = task === 'embeddings' ? mapOutput(model) : undefined
  if (map !== undefined) throw givesMap(modelPath, map)
  if (task === 'classification' || task === 'ranking' || (task === 'embeddings' && !isText)) {
    // Vectors of images and sounds are compared with those of the dense model, whatever folders are called.
    const unlabeled = options.unlabeled || task === 'embeddings' || undefined
    const read = await readInputs(known, model, data, { ...options, unlabeled })
    const inputs = task === 'embeddings' ? withNotes(read, [poolingNote(known, modelPath, model, options)]) : read
    if (inputs.ranking !== undefined && !competes(inputs.ranking)) return unranked(inputs, inputs.ranking, options.task)
    // One logit on texts with classes says which of two classes they are of, as a sigmoid reads it.
    const ofClasses = options.task === undefined && task === 'ranking' && inputs.ranking === undefined
    if (!ofClasses && task !== 'classification') return { task, inputs }
    return { task: 'classification', inputs: isLabeled(inputs) ? inputs : noted(inputs) }
  }
  const tokenizer = options.tokenizer ?? known.tokenizer
  const prepare = { ...known, tokenizer, signal: options.signal }
  if (task === 'multi-label')
    return { task, labels, inputs: await readLabeled(model, data, { ...options, labels, source: modelPath }, prepare) }
  if (task === 'regression') return { task, inputs: await readEstimated(model, data, options, prepare) }
  if (task === 'embeddings') {
    const pooled = poolingNote(known, modelPath, model, options)
    const { texts, judged } = await readTextsToEmbed(data, options)
    const queries = judged !== undefined && 'queryCount' in judged ? judged.queryCount : undefined
    const inputs = await prepareInputs(withPrompts(texts, known.prompts, queries), model.inputs, prepare)
    const remarks = [pooled, promptNote(known.prompts, queries !== undefined)]
    return { task, inputs: withNotes(inputs, remarks), ...(judged && { judged }) }
  }
  if (prepare.tokenizer === undefined) {
    throw new TpError('TP_TOKENIZER', 'data', `no tokenizer.json is next to ${modelPath}; give its path`)
  }
  const tagged = (await hasTagColumn(data, labels))
    ? await readTaggedTsv(data, { labels, limit })
    : await readSentences(data, { limit })
  const sentences = wholeBatches(tagged.sentences, options)
  const loaded = await loadTokenizer(prepare.tokenizer)
  const inputs = await taggedInputs({ ...tagged, sentences }, model.inputs, loaded, prepare)
  return { task, labels, inputs: hasTags(inputs) ? inputs : noted(inputs) }
}

/** The pooling that is assumed, if one is. @throws TpError TP_POOLING */
function poolingNote(
  { pooling }: KnownModel,
  modelPath: string,
  { outputs }: ModelSignature,
  { byToken = false }: TaskDataOptions,
): string | undefined {
  if (byToken) return undefined
  const named = Object.fromEntries(outputs.map((output) => [output.name, output]))
  return requirePooling(pooling, modelPath, embeddingOutput(named)).note
}

function withNotes(inputs: ModelInputs, notes: readonly (string | undefined)[]): ModelInputs {
  return { ...inputs, notes: [...inputs.notes, ...notes.filter((note) => note !== undefined)] }
}

/** With judgments of people, if the data have any: a folder in BEIR's layout, or pairs with scores. */
async function readTextsToEmbed(
  data: string,
  options: ExamplesOptions,
): Promise<Pick<EmbeddingData, 'judged'> & { readonly texts: TextDataset }> {
  const { split, limit, textColumn, batchSize = 1 } = options
  const judged = (await isRetrievalFolder(data))
    ? await readSearchData(data, { split, limit })
    : textColumn === undefined
      ? await readScoredPairs(data, limit)
      : undefined
  if (judged !== undefined) return { texts: filledUp(judged.texts, batchSize), judged }
  const texts = await readTexts(data, { limit, textColumn })
  return { texts: { ...texts, examples: wholeBatches(texts.examples, options) } }
}

/** Texts up to whole batches, the last one several times. */
function filledUp(texts: TextDataset, batchSize: number): TextDataset {
  const { examples } = texts
  const missing = (batchSize - (examples.length % batchSize)) % batchSize
  const last = examples.slice(-1)
  return { ...texts, examples: [...examples, ...Array.from({ length: missing }, () => last).flat()] }
}

function givesMap(modelPath: string, { name, dims }: ValueInfo): TpError {
  const seen = `${modelPath}: its output ${name} [${dims}] is a map with a number for each pixel, and no task compares maps`
  const advice = 'prune it by settings of your own (tp prune), and compare maps of your images'
  return new TpError('TP_TASK', 'data', `${seen}; ${advice}`)
}

function givesTags(modelPath: string): TpError {
  const seen = `${modelPath} gives an answer for each token, and takes no texts; only tags of words are compared`
  const advice = 'prune it by settings of your own (tp prune), and compare answers to your images or recordings'
  return new TpError('TP_TASK', 'data', `${seen}; ${advice}`)
}
