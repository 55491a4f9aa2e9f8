import { TpError } from '@tp/core'
import { isRetrievalFolder } from '../datasets/retrieval/retrieval-folder.ts'
import type { Task } from '../outputs/task-of.ts'
import type { ExamplesOptions } from './open-examples.ts'

type Option = Exclude<keyof ExamplesOptions, 'limit' | 'batchSize' | 'onOmitted' | 'signal'>

const columns = ['textColumn', 'pairColumn', 'labelColumn'] as const
const ofFolders: readonly Option[] = ['candidates', 'split', 'top']

/** Options that mean nothing for a task on texts. */
const idle: Readonly<Record<Task, readonly Option[]>> = {
  classification: [],
  ranking: [],
  'multi-label': ofFolders,
  regression: ofFolders,
  embeddings: ['unlabeled', 'labelColumn', 'pairColumn', 'candidates', 'top'],
  tokens: ['unlabeled', ...columns, ...ofFolders],
  asr: ['unlabeled', ...columns, ...ofFolders, 'labels', 'tokenizer'],
}

/**
 * Refuses options that a task does not read, for which a caller would wait in vain.
 * @param isText whether the model reads texts
 * @throws TpError TP_OPTION
 */
export async function refuseIdleOptions(
  task: Task,
  isText: boolean,
  data: string,
  options: ExamplesOptions,
): Promise<void> {
  if (task === 'tokens' && !isText) throw unread('the task tokens is for models of texts')
  if (task === 'embeddings' && !isText) return
  const found = idle[task].find((name) => options[name] !== undefined)
  if (found !== undefined) throw unread(`${found} does not go with the task ${task}, which does not read it`)
  if (task !== 'embeddings') return
  const isFolder = await isRetrievalFolder(data)
  if (isFolder && options.textColumn !== undefined)
    throw unread(`textColumn is for tables, and ${data} has queries and documents`)
  if (!isFolder && options.split !== undefined)
    throw unread(`split is for folders with queries and documents, unlike ${data}`)
}

function unread(message: string): TpError {
  return new TpError('TP_OPTION', 'data', `${message}; leave it out`)
}
