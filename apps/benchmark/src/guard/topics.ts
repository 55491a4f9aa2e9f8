import { readFile } from 'node:fs/promises'
import { type TextDataset, textDataset } from '@tp/eval/inputs'

/** Texts whose classes the models do not know (`text<TAB>topic` a line): all get class 0, which means nothing. */
export async function readTopics(path: string, limit: number): Promise<TextDataset> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return textDataset(
    path,
    lines.slice(0, limit).map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: 0 })),
  )
}
