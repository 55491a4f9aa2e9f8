import { describe, expect, test } from 'vitest'
import { type MailSplit, mailData } from './mail-data.ts'

const sizes: Readonly<Record<MailSplit, number>> = { train: 3500, dev: 455, calibration: 699, test: 1257 }

describe('mailData', () => {
  const splits = Object.entries(sizes).map(([name, size]) => ({ name, size, mails: mailData(name as MailSplit) }))

  test.each(splits)('$name has $size mails', ({ mails, size }) => {
    expect(mails).toHaveLength(size)
  })

  test('has no empty text, and none twice in any split', () => {
    const texts = splits.flatMap(({ mails }) => mails.map(({ text }) => text))
    expect(new Set(texts).size).toBe(texts.length)
    expect(texts).not.toContain('')
  })

  test.each(splits)('$name has ham and spam', ({ mails }) => {
    expect(new Set(mails.map(({ label }) => label))).toEqual(new Set([0, 1]))
  })
})
