import { readData } from './read-data.ts'

export interface Mail {
  readonly text: string
  /** 0 ham, 1 spam: the index into the model's logits. */
  readonly label: number
}

export type MailSplit = 'train' | 'dev' | 'calibration' | 'test'

/**
 * One split of the SpamAssassin mails (CC0), by a hash of each: 3,500 train, 455 dev, 699 calibration, 1,257 test. The embedded model
 * was trained on train only, and dev chose its checkpoint; figures that are reported come from test, settings from calibration.
 */
export function mailData(split: MailSplit): Mail[] {
  const mails = JSON.parse(readData(`mails-${split}.json`).toString('utf8')) as [label: number, text: string][]
  return mails.map(([label, text]) => ({ text, label }))
}
