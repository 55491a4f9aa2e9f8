import { type Task, tasks } from '@tp/data/outputs'
import { type CountOption, type Flag, flag, type Several, type TextOption, text } from './option.ts'

type DataOption =
  | 'data'
  | 'text-column'
  | 'pair-column'
  | 'label-column'
  | 'tokenizer'
  | 'labels'
  | 'candidates'
  | 'split'

/** Which examples, and how the model reads them. */
export const dataOptions: Readonly<
  Record<DataOption, TextOption> &
    Record<'top' | 'limit', CountOption> &
    Record<'read', Several> &
    Record<'unlabeled', Flag>
> = {
  data: text(
    'PATH',
    'examples in a table, IDX files or a folder: a table of texts, or of pairs of texts, with labels or without (.tsv, .csv, .jsonl, .txt), a folder of images or WAV files, or of queries and documents',
    { reads: 'data' },
  ),
  unlabeled: flag('ignore labels: answers are compared with those of the dense model; default: where there are none'),
  'text-column': text('NAME|N', 'column with the texts, by name or by number from 1; default: found by its header', {
    through: 'read',
  }),
  'pair-column': text('NAME|N', 'the same for the second texts of pairs', { through: 'read' }),
  'label-column': text('NAME|N', 'the same for the labels', { through: 'read' }),
  tokenizer: text('FILE', 'tokenizer.json of the model; default: the one next to it', {
    through: 'read',
    reads: 'file',
  }),
  labels: text('NAME,NAME…', "the model's class names in order; default: those of config.json next to it", {
    through: 'read',
  }),
  candidates: text('FILE', 'for a folder of queries and documents: a first-stage run, whose documents are ranked', {
    through: 'read',
    reads: 'file',
  }),
  split: text('NAME', 'for such a folder: the judgments qrels/NAME.tsv; default test', { through: 'read' }),
  top: text('K', 'for such a folder: at most K candidates a query; default 100', {
    through: 'read',
    is: 'whole number',
  }),
  read: text('NAME=VALUE', 'how to read the data; only where that cannot be detected', { multiple: true }),
  limit: text('N', 'only the first N examples, or queries of a folder', { is: 'whole number' }),
}

interface TaskOption extends TextOption {
  readonly is: 'word'
  readonly words: readonly Task[]
}

export const taskOption: { readonly task: TaskOption; readonly decoder: TextOption } = {
  task: text('TASK', `${tasks.slice(0, -1).join(', ')} or asr; default: judged by the outputs`, {
    is: 'word',
    words: tasks,
  }),
  decoder: text(
    'FILE',
    'decoder of a speech encoder (--task asr); transcribes its states: decoder_model_merged.onnx or decoder_model.onnx',
    { reads: 'model' },
  ),
}
