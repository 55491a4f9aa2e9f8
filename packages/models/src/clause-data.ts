import { readData } from './read-data.ts'

export interface ContractPassage {
  /** 300 words of a contract, with a clause of one of the classes. */
  readonly text: string
  /** The index into the model's logits. */
  readonly label: number
}

export type ClauseSplit = 'train' | 'dev' | 'calibration' | 'test'

/**
 * One split of passages from the contracts of CUAD (CC BY 4.0), by a hash of the company: 2,007 train, 352 dev, 301 calibration,
 * 842 test. The embedded model was trained on train only, and dev was looked at during training; figures that are reported come
 * from test, settings from calibration and dev.
 */
export function clauseData(split: ClauseSplit): ContractPassage[] {
  const passages = JSON.parse(readData(`clauses-${split}.json`).toString('utf8')) as [label: number, text: string][]
  return passages.map(([label, text]) => ({ text, label }))
}
