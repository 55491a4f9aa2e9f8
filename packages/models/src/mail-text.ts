const ENTITIES: Readonly<Record<string, string>> = {
  nbsp: ' ',
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  copy: '©',
  reg: '®',
}

/**
 * The text of a raw mail as the embedded model was trained on it: `subject . body`, without markup, encodings and
 * attachments. Any change here changes what the model sees and, through duplicates, the splits.
 */
export function mailText(raw: string): string {
  const { subject, body } = parts(raw.replace(/\r\n?/g, '\n'))
  const plain = withoutMarkup(withoutAttachments(decodeQuotedPrintable(body)))
  return (
    `${subject} . ${plain}`
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
      .replace(/[\u0000-\u001f\u007f-\u00a0]+/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
  )
}

function parts(mail: string): { subject: string; body: string } {
  const blank = mail.indexOf('\n\n')
  const header = (blank < 0 ? mail : mail.slice(0, blank)).replace(/\n[ \t]+/g, ' ')
  const subject = /^subject:(.*)$/im.exec(header)?.[1]?.trim() ?? ''
  return { subject, body: blank < 0 ? '' : mail.slice(blank + 2) }
}

function decodeQuotedPrintable(body: string): string {
  return body
    .replaceAll('=\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Drops the frame of multi-part mails and lines that are one long run, as base64 is. */
function withoutAttachments(body: string): string {
  return body
    .split('\n')
    .filter((line) => !/^\S{60,}$/.test(line) && !/^(--|content-|mime-version|this is a multi-part)/i.test(line))
    .join('\n')
}

function withoutMarkup(body: string): string {
  // The bound keeps a stray "<" from swallowing text up to a ">" far away; without it the model is a little worse,
  // also on mails that it was trained on.
  return body
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<style[\s\S]*?<\/style>/gi, ' ')
    .replace(/<script[\s\S]*?<\/script>/gi, ' ')
    .replace(/<[^>]{0,1000}>/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => (Number(code) <= 0x10ffff ? String.fromCodePoint(Number(code)) : ' '))
    .replace(/&([a-z]+);/gi, (_, name: string) => ENTITIES[name.toLowerCase()] ?? ' ')
}
