import { TpError } from '@tp/core'
import type { AnswerForm, ModelSignature } from '@tp/core/runtime'
import { type Dataset, textDataset, UNLABELED } from '../datasets/dataset.ts'
import { openDataset } from '../datasets/open-dataset.ts'
import { classNames } from '../inputs/model-facts.ts'
import { type ModelFolder, readModelFolder } from '../inputs/model-folder.ts'
import type { ModelInputs } from '../inputs/model-inputs.ts'
import { modalityOf } from '../inputs/model-inputs.ts'
import { type PrepareOptions, prepareInputs } from '../inputs/prepare.ts'
import { answerFormIn } from '../models/answer-form-in.ts'
import { fittingLabels } from '../outputs/fitting-labels.ts'
import { type Task, taskOf } from '../outputs/task-of.ts'

/** Which examples of a file or folder, and how the model reads them. */
export interface ExamplesOptions {
  /** The model's class names in order; default: those of config.json next to it. */
  readonly labels?: readonly string[] | undefined
  /** Whether the data have no labels, or theirs are not to be read. Default: where none are found. */
  readonly unlabeled?: boolean | undefined
  /** Path of tokenizer.json; default: the one next to the model. */
  readonly tokenizer?: string | undefined
  /** The first examples only; of a folder of queries and documents: queries. */
  readonly limit?: number | undefined
  /** Columns of a table, by name or number from 1; default: found by its header. */
  readonly textColumn?: string | undefined
  readonly pairColumn?: string | undefined
  readonly labelColumn?: string | undefined
  /** For a folder of queries and documents: the run of a first stage, the judgments, and the most candidates a query. */
  readonly candidates?: string | undefined
  readonly split?: string | undefined
  readonly top?: number | undefined
  /** Batches that the model takes, where it takes no others; the last examples that fill none are left out. Default 1. */
  readonly batchSize?: number | undefined
  /** Called with how many that are. */
  readonly onOmitted?: ((examples: number) => void) | undefined
  readonly signal?: PrepareOptions['signal']
}

/** Examples as they are, and what prepares them for a model. */
export interface OpenExamples {
  readonly dataset: Dataset
  /** Whether the model gives one number, which examples can be ranked by. */
  readonly ranks: boolean
  /** The task that its outputs look like. */
  readonly task: Task
  readonly prepare: PrepareOptions
}

/**
 * The examples of a file or folder, labeled or not, as many as fill batches.
 * @param modelPath an ONNX file, next to which are its classes and tokenizer
 * @param model its inputs and outputs, or a session
 * @param data path of a file or folder, or texts themselves
 * @throws TpError TP_DATA, for names of classes that do not fit the model, too; TP_TASK for a model of several labels, which gives no class
 */
export async function openExamples(
  modelPath: string,
  model: ModelSignature,
  data: string | readonly string[],
  options: ExamplesOptions = {},
): Promise<OpenExamples> {
  const opened = await openAny(await readKnown(modelPath, model, options), model, data, options)
  if (opened.task !== 'multi-label') return opened
  const seen = `${modelPath} decides several labels, any number of which may hold, and this requires one class`
  const advice =
    'tp eval, check, optimize and run judge each label; where its classes exclude each other, write "problem_type": "single_label_classification" into its config.json'
  throw new TpError('TP_TASK', 'data', `${seen}; ${advice}`)
}

/** Facts about a model's answers and inputs, by its file and those next to it. */
export interface KnownModel extends ModelFolder {
  readonly answerForm: AnswerForm | undefined
  /** The given one, or what the model's outputs look like. */
  readonly task: Task
}

/** @throws TpError TP_DATA for names of classes that do not fit the model */
export async function readKnown(
  modelPath: string,
  model: ModelSignature,
  options: Pick<ExamplesOptions, 'labels'> & { readonly task?: Task | undefined },
): Promise<KnownModel> {
  const folder = await readModelFolder(modelPath)
  const named = classNames(folder.labels)
  const known = { ...folder, labels: options.labels ?? named, answerForm: await answerFormIn(modelPath) }
  const task = options.task ?? taskOf(model.outputs, known)
  const labels = options.labels ?? fittingLabels(named, { outputs: model.outputs, task, path: modelPath })
  return { ...known, labels, task }
}

async function openAny(
  known: KnownModel,
  model: ModelSignature,
  data: string | readonly string[],
  options: ExamplesOptions,
): Promise<OpenExamples> {
  const { labels, task } = known
  const { tokenizer = known.tokenizer, signal } = options
  const ranks = taskOf(model.outputs) === 'ranking'
  const dataset =
    typeof data === 'string'
      ? await openDataset(data, { ...options, ranks, labels, modality: modalityOf(model.inputs) })
      : textDataset(
          'texts',
          data.map((text) => ({ text, label: UNLABELED })),
        )
  return {
    dataset: { ...dataset, examples: wholeBatches<unknown>(dataset.examples, options) } as Dataset,
    ...{ ranks, task },
    prepare: { ...known, tokenizer, signal },
  }
}

/** The same, as the model takes them. @throws TpError as `openExamples` and `prepareInputs` */
export async function readInputs(
  known: KnownModel,
  model: ModelSignature,
  data: string,
  options: ExamplesOptions = {},
): Promise<ModelInputs> {
  const { dataset, prepare } = await openAny(known, model, data, options)
  return await prepareInputs(dataset, model.inputs, prepare)
}

/** Examples without the last ones that fill no batch. */
export function wholeBatches<T>(
  examples: readonly T[],
  { batchSize = 1, onOmitted }: Pick<ExamplesOptions, 'batchSize' | 'onOmitted'>,
): readonly T[] {
  const left = examples.length % batchSize
  if (left === 0) return examples
  onOmitted?.(left)
  return examples.slice(0, examples.length - left)
}
